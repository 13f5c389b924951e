"""What the reference shows of HTTP calls is true."""

import re
import tomllib
from pathlib import Path
from typing import Any

from firstline.executor import Step, parameters
from firstline.executors.web_call import HttpParameters, HttpSettings
from firstline.runbook.load import load

PAGE = (Path(__file__).parents[3] / "docs/reference/executors/http.md").read_text()


def shown(language: str) -> str:
    (text,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return str(text)


def test_the_runbook_that_is_shown_can_be_read(tmp_path: Path) -> None:
    folder = tmp_path / "free-the-queue"
    folder.mkdir()
    (folder / "runbook.yaml").write_text(shown("yaml"))
    look, requeue = load(folder).declaration.steps
    assert parameters(HttpParameters, Step(id="x", parameters=look.with_)).call is not None
    declared = parameters(HttpParameters, Step(id="x", parameters=requeue.with_))
    assert declared.secrets() == set(requeue.secrets)


def test_every_parameter_and_setting_is_shown() -> None:
    rows = re.findall(r"^\| (`.*?`) \|", PAGE, re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} >= set(HttpParameters.model_fields)
    settings: dict[str, Any] = tomllib.loads(shown("toml"))["executors"]["broker"]
    assert settings.pop("executor") == "http"
    assert set(settings) | {"directory", "user", "password"} == set(HttpSettings.model_fields)
    assert HttpSettings(**settings).token is not None
