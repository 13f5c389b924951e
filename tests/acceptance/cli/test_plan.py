"""`firstline plan`: what would be run, in full; and nothing is run, asked or written."""

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest
from typer.testing import CliRunner, Result

from firstline import registry
from firstline.cli import command_line
from firstline.executor import Handle, Step
from firstline.executors.command import CommandExecutor

RUNBOOK = """
id: mend
version: 1.0.0
title: Mend it
owner: team-test
description: Leaves a mark.
inputs:
  host: {{type: string}}
targets: {targets}
change: {{type: standard, template: Restart}}
steps:
  - name: mend
    run: ["touch", "{mark}", "${{{{ inputs.host }}}}"]
"""

MAPPING = """
mappings:
  - id: mend
    when: incident.title.contains("does not answer")
    runbook: mend
    inputs: {host: "${{ incident.ci }}"}
    mode: auto
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "project"
    (made / "mappings" / "shop" / "runbooks" / "mend").mkdir(parents=True)
    (made / "mappings" / "shop" / "mapping.yaml").write_text(MAPPING)
    (made / "firstline.toml").write_text('[hub]\nenvironment = "test"\n')
    write(made)
    return made


def write(folder: Path, targets: str = '["${{ inputs.host }}"]') -> None:
    path = folder / "mappings" / "shop" / "runbooks" / "mend" / "runbook.yaml"
    path.write_text(RUNBOOK.format(mark=folder / "mark", targets=targets))


def plan(folder: Path, *options: str, **incident: Any) -> Result:
    told = {
        "id": "e1",
        "type": "incident.opened",
        "occurred_at": "2026-11-23T06:00:00Z",
        "incident": {
            "reference": {"connection": "pagerduty", "kind": "incident", "id": "P1"},
            "title": "shop does not answer",
            "ci": "shop1",
            **incident,
        },
    }
    path = folder / "event.json"
    path.write_text(json.dumps(told))
    line = ["plan", str(path), "--folder", str(folder), *options]
    return CliRunner().invoke(command_line("plan"), line)


def test_a_plan_shows_each_command_as_it_will_run_and_nothing_is_run_or_written(folder: Path) -> None:
    before = sorted(folder.rglob("*"))
    ended = plan(folder, "--json")
    assert ended.exit_code == 0, ended.output
    shown = json.loads(ended.output)
    assert shown["steps"] == [f"mend on shop1: touch {folder / 'mark'} shop1 (300 s)"]
    assert (shown["targets"], len(shown["digest"])) == (["shop1"], 64)
    assert sorted(folder.rglob("*")) == sorted([*before, folder / "event.json"])


def test_a_value_that_nobody_gave_is_an_error(folder: Path) -> None:
    ended = plan(folder, ci="")
    assert ended.exit_code == 1
    assert "There is no plan" in ended.output


def test_no_target_is_an_error_and_never_all(folder: Path) -> None:
    write(folder, '"${{ [] }}"')
    ended = plan(folder)
    assert ended.exit_code == 1
    assert "target" in ended.output


def test_an_event_that_nothing_matches_has_no_plan(folder: Path) -> None:
    assert plan(folder, title="all is well").exit_code == 1


def test_a_dry_run_where_there_is_none_says_so_and_runs_nothing(folder: Path) -> None:
    ended = plan(folder, "--dry-run")
    assert ended.exit_code == 1
    assert "the executor command has no dry run; nothing was run" in ended.output
    assert not (folder / "mark").exists()


class Checking(CommandExecutor):
    """As one that has a dry run of its own: it says what it would do, in the place of doing it."""

    supports_dry_run: ClassVar[bool] = True

    async def start(self, step: Step) -> Handle:
        assert step.dry_run
        said = ("echo", "would", *step.run)
        return await super().start(step.model_copy(update={"run": said, "dry_run": False}))


def test_a_dry_run_shows_what_the_executor_would_do_and_writes_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "executor", lambda _: Checking)
    before = sorted(folder.rglob("*"))
    ended = plan(folder, "--dry-run")
    assert ended.exit_code == 0, ended.output
    assert f"mend on shop1 would go well: would touch {folder / 'mark'} shop1" in ended.output
    assert not (folder / "mark").exists()
    assert sorted(folder.rglob("*")) == sorted([*before, folder / "event.json"])
