"""What the reference shows of functions is true."""

import re
import tomllib
from pathlib import Path
from types import ModuleType

from firstline.executor import Step, parameters
from firstline.executors.python.call import Call
from firstline.executors.python.settings import PythonSettings
from firstline.executors.python.signature import signature_of
from firstline.function import is_resumable
from firstline.runbook.load import load

PAGE = (Path(__file__).parents[3] / "docs/reference/executors/python.md").read_text()


def shown(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_the_runbook_that_is_shown_calls_the_function_that_is_shown(tmp_path: Path) -> None:
    folder = tmp_path / "drain-mail"
    folder.mkdir()
    (folder / "runbook.yaml").write_text(shown("yaml")[0])
    (step,) = load(folder).declaration.steps
    call = parameters(Call, Step(id="x", parameters=step.with_))
    module = ModuleType("queue")
    exec(shown("python")[0], module.__dict__)  # what is shown is to run
    signature = signature_of(module.drain)
    assert signature.check(call.arguments) == {"queue": "mail", "limit": 50}
    assert (signature.run, signature.dry_run, is_resumable(module.drain)) == (("run",), True, True)
    points = tomllib.loads(shown("toml")[0])["project"]["entry-points"]["firstline.functions"]
    assert call.function in points


def test_the_settings_that_are_shown_are_those_there_are() -> None:
    settings = tomllib.loads(shown("toml")[1])["executors"]["python"]
    assert set(settings) | {"directory"} == set(PythonSettings.model_fields)
    assert PythonSettings(**settings) == PythonSettings()
