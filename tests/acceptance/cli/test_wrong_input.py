"""What people get wrong at the command line: a line that names the place and the mend, never a trace; exit not zero."""

import io
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

import pytest

from firstline.cli import main

pytestmark = pytest.mark.usefixtures("logs_restored")

FIRSTLINE = str(Path(sys.executable).parent / "firstline")
PAGERDUTY = '[connections.pagerduty]\nconnector = "pagerduty"\ntoken = "t"\nfrom_email = "a@example.com"\n'


def firstline(*arguments: object, at: Path) -> str:
    """What a command that must fail says. In this process: a process each would take a second to begin."""
    code, said = run(*arguments, at=at)
    assert code not in (0, 3), said  # 3 is what the web server says of a start that broke
    return said


def run(*arguments: object, at: Path) -> tuple[object, str]:
    """How a command ends, and what it says. What it does not catch comes out as it would with a trace."""
    said = io.StringIO()
    with (
        chdir(at),
        redirect_stdout(said),
        redirect_stderr(said),
        patch.object(sys, "argv", ["firstline", *map(str, arguments)]),
        pytest.raises(SystemExit) as ended,
    ):
        main()
    return ended.value.code, said.getvalue()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    assert run("init", "ops", at=tmp_path)[0] == 0
    return tmp_path


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield int(listener.getsockname()[1])


def write(project: Path, toml: str) -> None:
    (project / "ops" / "firstline.toml").write_text(toml, encoding="utf-8")


def test_serve_on_a_port_in_use_names_the_port_and_the_setting(project: Path, taken: int) -> None:
    write(project, f'[hub]\nlisten = "127.0.0.1:{taken}"')
    said = firstline("serve", "-f", "ops", at=project)
    assert f"ops/firstline.toml: 127.0.0.1:{taken} can't be listened on: Address already in use" in said
    assert "hub.listen" in said
    assert "hub.ready" not in said


def test_a_process_that_fails_ends_with_its_line_and_no_trace(project: Path, taken: int) -> None:
    write(project, f'[hub]\nlisten = "127.0.0.1:{taken}"')
    command = [FIRSTLINE, "serve", "-f", "ops"]
    ended = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode not in (0, 3)
    assert "Traceback" not in ended.stdout + ended.stderr


def test_serve_on_a_port_that_does_not_exist_ends(project: Path) -> None:
    write(project, '[hub]\nlisten = "127.0.0.1:99999"')
    assert "127.0.0.1:99999 can't be listened on" in firstline("serve", "-f", "ops", at=project)


def test_a_sandbox_on_a_port_in_use_names_the_option(tmp_path: Path, taken: int) -> None:
    said = firstline("sandbox", "jira", "--port", taken, at=tmp_path)
    assert f"127.0.0.1:{taken} can't be listened on: Address already in use" in said
    assert "--port" in said


def test_a_sandbox_says_which_there_are(tmp_path: Path) -> None:
    said = firstline("sandbox", "nosuch", at=tmp_path)
    assert "no sandbox is called 'nosuch'; installed: jira, pagerduty, servicenow" in said


@pytest.mark.parametrize("name", ["jira", "pagerduty", "servicenow"])
def test_a_seed_that_a_sandbox_can_not_use_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "seed.json").write_text('{"issues": "x", "incidents": 5}', encoding="utf-8")
    assert f"seed.json: the {name} sandbox can't use it" in firstline(
        "sandbox", name, "--seed", "seed.json", at=tmp_path
    )


@pytest.mark.parametrize(
    ("database", "words"),
    [
        ("nonsense", "write sqlite:///"),
        ("mysql://somewhere", "neither sqlite:/// nor postgresql://"),
        ("postgresql://127.0.0.1:1/hub", "Connection refused"),
    ],
)
@pytest.mark.parametrize("command", [("serve",), ("people", "add", "irene")])
def test_a_database_that_can_not_be_used_is_named(
    project: Path, database: str, words: str, command: tuple[str, ...]
) -> None:
    write(project, f'[hub]\nlisten = "127.0.0.1:0"\ndatabase = "{database}"')
    said = firstline(*command, "-f", "ops", at=project)
    assert "ops/firstline.toml: hub.database" in said
    assert words in said


def test_check_finds_a_connector_that_is_not_installed(project: Path) -> None:
    write(project, '[connections.a]\nconnector = "nosuch"')
    for command in ("check", "serve"):
        assert "ops/firstline.toml [connections.a]: no connector is called 'nosuch'" in firstline(
            command, "-f", "ops", at=project
        )


def test_a_mistake_in_firstline_toml_is_named_with_line_and_column(project: Path) -> None:
    write(project, "[hub]\nlisten = \n")
    assert "ops/firstline.toml:2:10: " in firstline("check", "-f", "ops", at=project)


def test_a_secret_file_that_is_no_text_is_named(project: Path) -> None:
    (project / "ops" / "secrets" / "binary").write_bytes(b"\xff\xfe")
    write(project, f'{PAGERDUTY}webhook_secrets = ["file:secrets/binary"]')
    said = firstline("serve", "-f", "ops", at=project)
    assert "which is no UTF-8 text" in said


def test_a_state_folder_that_is_a_file_is_named(project: Path) -> None:
    write(project, '[hub]\nlisten = "127.0.0.1:0"\nstate = "firstline.toml"')
    said = firstline("serve", "-f", "ops", at=project)
    assert "hub.state can't be the folder" in said
    assert "File exists" in said


def test_a_folder_that_can_not_be_made_is_named(tmp_path: Path) -> None:
    assert "/proc/nowhere: No such file or directory" in firstline("init", "/proc/nowhere", at=tmp_path)


@pytest.mark.parametrize("days", ["-1", "1e12", "nan"])
def test_a_token_ends_on_a_day_that_will_come(project: Path, days: str) -> None:
    said = firstline("people", "token", "admin", "--days", days, "-f", "ops", at=project)
    assert "--days" in said
    assert "fl_" not in said


def test_a_runbook_that_names_an_executor_which_nobody_set_up_is_told(project: Path) -> None:
    path = project / "ops/mappings/first-steps/runbooks/look-around/runbook.yaml"
    step = "  - name: how full it is\n"
    path.write_text(path.read_text().replace(step, f"{step}    executor: hosts\n"))
    said = firstline("check", "-f", "ops", at=project)
    assert "look-around/runbook.yaml: names the executor 'hosts', but firstline.toml has no [executors.hosts]" in said
