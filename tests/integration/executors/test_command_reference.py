"""What the reference shows of commands is true."""

import re
import tomllib
from pathlib import Path

from firstline.executors.command import CommandSettings
from firstline.runbook.load import load

PAGE = (Path(__file__).parents[3] / "docs/reference/executors/command.md").read_text()


def shown(language: str) -> str:
    (text,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return str(text)


def test_the_runbook_that_is_shown_can_be_read(tmp_path: Path) -> None:
    folder = tmp_path / "free-log-space"
    folder.mkdir()
    (folder / "runbook.yaml").write_text(shown("yaml"))
    for name in ("measure", "remove", "tell-archive"):
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    assert [step.name for step in load(folder).declaration.steps] == ["measure", "remove old logs", "tell the archive"]


def test_the_settings_that_are_shown_are_those_there_are() -> None:
    settings = tomllib.loads(shown("toml"))["executors"]["command"]
    assert set(settings) | {"directory"} == set(CommandSettings.model_fields)
    defaults = CommandSettings().model_dump(mode="json", exclude={"directory", "hidden"})
    assert CommandSettings(**settings).model_dump(mode="json", exclude={"directory", "hidden"}) == defaults
