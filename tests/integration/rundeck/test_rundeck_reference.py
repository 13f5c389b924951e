"""What the reference shows of Rundeck is true."""

import re
import tomllib
from pathlib import Path
from typing import Any

from firstline.executor import Step, parameters
from firstline.executors.rundeck import RundeckParameters, RundeckSettings
from firstline.runbook.load import load

PAGE = (Path(__file__).parents[3] / "docs/reference/executors/rundeck.md").read_text()


def shown(language: str) -> str:
    (text,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return str(text)


def test_the_runbook_that_is_shown_can_be_read(tmp_path: Path) -> None:
    folder = tmp_path / "restart-shop"
    folder.mkdir()
    (folder / "runbook.yaml").write_text(shown("yaml"))
    (step,) = load(folder).declaration.steps
    assert step.executor == "rundeck"
    assert parameters(RundeckParameters, Step(id="x", parameters=step.with_)).timeout_option == "firstline_timeout"


def test_every_parameter_and_setting_is_shown() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) >= set(RundeckParameters.model_fields)
    settings: dict[str, Any] = tomllib.loads(shown("toml"))["executors"]["rundeck"]
    assert set(settings) | {"directory"} == set(RundeckSettings.model_fields)
    assert RundeckSettings(**settings).api_version == 41
