"""What the reference shows of AWX is true."""

import re
import tomllib
from pathlib import Path
from typing import Any

from firstline.executor import Step, parameters
from firstline.executors.awx import AwxSettings
from firstline.executors.awx.settings import AwxParameters
from firstline.runbook.load import load

PAGE = (Path(__file__).parents[3] / "docs/reference/executors/awx.md").read_text()


def shown(language: str) -> str:
    (text,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return str(text)


def test_the_runbook_that_is_shown_can_be_read(tmp_path: Path) -> None:
    text = shown("yaml")
    folder = tmp_path / text.split()[1]
    folder.mkdir()
    (folder / "runbook.yaml").write_text(text)
    for step in load(folder).declaration.steps:
        assert step.executor == "awx"
        assert parameters(AwxParameters, Step(id="x", parameters=step.with_))


def test_every_parameter_and_setting_is_shown() -> None:
    first = " ".join(re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE))
    assert set(re.findall(r"`(\w+)`", first)) >= set(AwxParameters.model_fields)
    settings: dict[str, Any] = tomllib.loads(shown("toml"))["executors"]["awx"]
    assert AwxSettings.model_validate(settings)
    assert [name for name in AwxSettings.model_fields if name not in PAGE] == []
