"""`firstline doctor`, `connect` and `reconcile`, against sandboxes on loopback."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from typer.testing import CliRunner, Result

from firstline import registry
from firstline.cli import command_line
from firstline.connector import SandboxSettings
from firstline.testing.loopback import ask

pytestmark = pytest.mark.usefixtures("logs_restored")

Loopback = Callable[[Any], str]

TOML = """
[hub]
url = "https://hub.example"

[connections.pager]
connector = "pagerduty"
base_url = "{pagerduty}"
token = "{token}"
from_email = "firstline@example.com"
webhook_secrets = ["hook-secret"]
{more}

[connections.desk]
connector = "servicenow"
base_url = "{servicenow}"
user = "firstline"
password = "file:absent"
webhook_secrets = ["hook-secret"]
"""


@pytest.fixture
def vendors(loopback: Loopback) -> dict[str, str]:
    incidents = [{"id": f"Q{n:05d}", "title": "shop does not answer", "service": "PSHOP01"} for n in range(1, 4)]
    seeds: dict[str, dict[str, Any]] = {
        "pagerduty": {"incidents": incidents, "token": "a-rest-token"},
        "servicenow": {},
    }
    return {
        name: loopback(registry.sandbox(name)(SandboxSettings(hook_secret="hook-secret", seed=seed)))
        for name, seed in seeds.items()
    }


@pytest.fixture
def run(tmp_path: Path, vendors: dict[str, str]) -> Callable[..., Result]:
    def ran(*arguments: str, token: str = "a-rest-token", more: str = "") -> Result:
        (tmp_path / "firstline.toml").write_text(TOML.format(**vendors, token=token, more=more))
        return CliRunner().invoke(command_line(), [*arguments, "--folder", str(tmp_path)])

    return ran


def test_doctor_finds_a_connection_well_and_exits_with_zero(run: Callable[..., Result]) -> None:
    ended = run("doctor", "pager")
    assert ended.exit_code == 0, ended.output
    assert "pager: all well" in ended.output


def test_doctor_looks_at_each_connection_though_one_lacks_its_secret(run: Callable[..., Result]) -> None:
    ended = run("doctor", "--json")
    found = json.loads(ended.stdout)
    assert ended.exit_code == 1
    assert list(found) == ["pager", "desk"]
    assert all(finding["ok"] for finding in found["pager"])
    assert "absent" in found["desk"][0]["message"]


def test_doctor_names_the_mend_of_a_refused_sign_in(run: Callable[..., Result]) -> None:
    ended = run("doctor", "pager", "--json", token="revoked")
    wrong = [finding for finding in json.loads(ended.stdout)["pager"] if not finding["ok"]]
    assert ended.exit_code == 1
    assert wrong
    assert all(finding["mend"] for finding in wrong)


def test_doctor_looks_at_the_executors_that_are_named(run: Callable[..., Result]) -> None:
    ended = run("doctor", "executor:here", "--json", more='[executors.here]\nexecutor = "command"')
    (findings,) = json.loads(ended.stdout).values()
    assert findings
    assert ended.exit_code == (0 if all(finding["ok"] for finding in findings) else 1)


def test_doctor_says_which_executors_there_are(run: Callable[..., Result]) -> None:
    ended = run("doctor", "executor:absent", more='[executors.here]\nexecutor = "command"')
    assert "there are: here" in str(ended.exception)


def test_a_connection_that_is_not_there_is_named_with_those_that_are(run: Callable[..., Result]) -> None:
    ended = run("doctor", "absent")
    assert "there are: pager, desk" in str(ended.exception)


def test_connect_makes_the_webhook_once_and_keeps_its_secret_in_the_file(
    run: Callable[..., Result], tmp_path: Path, vendors: dict[str, str]
) -> None:
    secret = tmp_path / "secret"
    first = run("connect", "pager", "--secret-file", str(secret))
    assert first.exit_code == 0, first.output
    assert "https://hub.example/hooks/pager" in first.output
    assert secret.read_text().strip() not in first.output
    assert secret.stat().st_mode & 0o077 == 0
    assert run("connect", "pager").exit_code == 0
    state = ask("GET", f"{vendors['pagerduty']}/sandbox/state").text
    assert state.count("https://hub.example/hooks/pager") == 1


def test_connect_refuses_to_overwrite_a_file(run: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("another")
    ended = run("connect", "pager", "--secret-file", str(tmp_path / "secret"))
    assert ended.exit_code != 0
    assert (tmp_path / "secret").read_text() == "another"


def test_connect_needs_the_address_that_the_vendor_reaches(tmp_path: Path) -> None:
    (tmp_path / "firstline.toml").write_text('[connections.pager]\nconnector = "pagerduty"\n')
    ended = CliRunner().invoke(command_line(), ["connect", "pager", "--folder", str(tmp_path)])
    assert "hub.url is not set" in str(ended.exception)


def test_a_connection_that_is_only_polled_takes_no_webhook(run: Callable[..., Result]) -> None:
    ended = run("connect", "pager", more='intake = {way = "poll"}')
    assert 'intake.way is "poll"' in str(ended.exception)


def test_reconcile_without_a_hub_says_what_is_missing_and_that_it_waits(
    run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("firstline.intake.reconcile.PATIENCE", 0.0)  # nobody will take it
    ended = run("reconcile", "pager", "--json")
    row = json.loads(ended.stdout)
    assert ended.exit_code == 1
    assert (row["there"], row["seen"], row["fetched"]) == (3, 0, 0)
    assert "3 were brought and wait for a hub" in row["trouble"]


@pytest.mark.parametrize("option", ["--from", "--to"])
def test_a_time_that_is_none_is_refused_with_one_that_is(run: Callable[..., Result], option: str) -> None:
    ended = run("reconcile", "pager", option, "yesterday")
    assert ended.exit_code == 2
    assert "2026-11-22T14:00Z" in ended.output


@pytest.mark.parametrize("command", ["doctor", "connect", "reconcile"])
def test_no_command_shows_or_keeps_a_secret_that_the_vendor_quotes(
    command: str, loopback: Loopback, tmp_path: Path
) -> None:
    async def quoting(request: Request) -> PlainTextResponse:
        return PlainTextResponse(f"who is {request.headers['authorization'].rpartition('=')[2]}?", 400)

    quotes = loopback(Starlette(routes=[Route("/{path:path}", quoting, methods=["GET", "POST", "PUT"])]))
    secret = "Rumpelstilzchen"  # nothing tells by its shape what it is
    (tmp_path / "token").write_text(secret)
    (tmp_path / "firstline.toml").write_text(TOML.format(pagerduty=quotes, servicenow="", token="file:token", more=""))
    ended = CliRunner().invoke(command_line(), [command, "pager", "--folder", str(tmp_path)])
    assert "[masked]" in ended.output
    assert secret not in ended.output
    assert not any(secret.encode() in path.read_bytes() for path in (tmp_path / "state").rglob("*") if path.is_file())
