import json
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from firstline.cli.check import check
from firstline.cli.explain import explain
from firstline.cli.test import test as run_cases
from firstline.mapping import Packs

MAPPINGS = """\
  - {id: hung, when: 'incident.service == "shop" && incident.priority <= 2', runbook: fix, inputs: {app: "[x]"}}
""".replace('"[x]"', "a")
TESTS = "cases: [{name: it hangs, event: hung.json, expect: {mapping: hung}}]\n"
EVENT = {
    "type": "incident.opened",
    "incident": {"service": "shop", "priority": 1, "reference": {"connection": "c", "kind": "incident", "id": "1"}},
}


@pytest.fixture
def command(write: Callable[..., Packs], tmp_path: Path) -> Callable[..., Result]:
    write(MAPPINGS, tests=TESTS)
    (tmp_path / "shop" / "hung.json").write_text(json.dumps(EVENT))
    app = typer.Typer()
    app.command("check")(check)
    app.command("test")(run_cases)
    app.command("explain")(explain)
    return lambda *arguments: CliRunner().invoke(app, [*arguments, "--mappings", str(tmp_path)])


Command = Callable[..., Result]


def test_check_of_sound_packs_says_so(command: Command) -> None:
    result = command("check")
    assert (result.exit_code, result.output) == (0, "No mistakes: 1 packs, 1 mappings, 3 runbooks.\n")


def test_check_prints_every_mistake_with_its_place(command: Command, tmp_path: Path) -> None:
    mapping, tests = tmp_path / "shop" / "mapping.yaml", tmp_path / "shop" / "tests.yaml"
    mapping.write_text(mapping.read_text().replace("runbook: fix", "runbook: fixx"))
    tests.write_text(TESTS.replace("hung.json", "gone.json"))
    result = command("check")
    assert result.exit_code == 1
    assert f"{mapping}:2:" in result.stdout
    assert f"{tests}:1:33: there is no " in result.stdout
    assert "2 mistakes." in result.stderr


def test_check_finds_mistakes_in_the_templates_of_notes(command: Command, tmp_path: Path) -> None:
    notes = tmp_path / "project" / "notes"
    notes.mkdir(parents=True)
    (notes / "outcome.txt").write_text("{{ headline }}\n{% if %}\n")
    result = command("check", "--folder", str(tmp_path / "project"))
    assert result.exit_code == 1
    assert f"{notes}/outcome.txt:2:1: " in result.stdout


def test_test_of_passing_cases_says_what_passed(command: Command) -> None:
    result = command("test")
    assert result.exit_code == 0
    assert "ok    shop: it hangs" in result.stdout
    assert "1 of 1 cases passed; 0 mappings without a case." in result.stdout


def test_test_names_the_line_of_a_case_that_fails(command: Command, tmp_path: Path) -> None:
    tests = tmp_path / "shop" / "tests.yaml"
    tests.write_text(TESTS.replace("mapping: hung", "mapping: null"))
    result = command("test")
    assert result.exit_code == 1
    assert f"{tests}:1:16: shop: it hangs" in result.stdout
    assert "expected nothing, got shop/hung" in result.stdout


def test_explain_shows_the_clause_that_failed(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "event.json"
    file.write_text(json.dumps(EVENT).replace('"priority": 1', '"priority": 3'))
    result = command("explain", str(file))
    assert result.exit_code == 0
    assert "clause failed: incident.priority <= 2" in result.stdout
    assert "Nothing runs: no mapping matches." in result.stdout


def test_explain_shows_what_would_run(command: Command, tmp_path: Path) -> None:
    result = command("explain", str(tmp_path / "shop" / "hung.json"), "--environment", "staging")
    assert result.exit_code == 0
    assert "shop/hung gets it, in staging:" in result.stdout
    assert "input    app = 'a'" in result.stdout


def test_explain_as_json_can_be_read_by_a_program(command: Command, tmp_path: Path) -> None:
    result = command("explain", str(tmp_path / "shop" / "hung.json"), "--json")
    assert json.loads(result.stdout)["decision"]["mapping"] == "shop/hung"


def test_a_folder_without_packs_is_a_mistake_of_usage(command: Command, tmp_path: Path) -> None:
    assert CliRunner().invoke(_check_only(), ["--folder", str(tmp_path / "shop")]).exit_code == 2


def _check_only() -> typer.Typer:
    app = typer.Typer()
    app.command()(check)
    return app
