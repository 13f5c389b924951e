"""What the reference shows of each executor is true."""

import re
import tomllib
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from firstline.executor import Executor, Step, parameters
from firstline.executors.ansible import AnsibleSettings, Host
from firstline.executors.ansible.play import Play
from firstline.executors.command import CommandSettings
from firstline.executors.python.call import Call
from firstline.executors.python.signature import signature_of
from firstline.executors.web_call import HttpParameters
from firstline.function import is_resumable
from firstline.runbook.load import load
from firstline.runbook.model import CommandDeclaration

PAGES = Path(__file__).parents[3] / "docs/reference/executors"
FILES = {
    "command": ("measure", "remove", "tell-archive"),
    "ansible": ("restart.yaml",),
    "ssh": ("count-jobs",),
}
POINTS = {each.name: each for each in entry_points(group="firstline.executors") if each.value.startswith("firstline.")}
every = pytest.mark.parametrize("kind", sorted(POINTS))


def page(kind: str) -> str:
    return (PAGES / f"{kind}.md").read_text()


def shown(kind: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page(kind), re.MULTILINE | re.DOTALL)


def settings_of(kind: str) -> dict[str, Any]:
    """The table that is shown, without the name of its executor."""
    tables = [tomllib.loads(text).get("executors", {}) for text in shown(kind, "toml")]
    (table,) = (table for found in tables for table in found.values())
    return {name: value for name, value in table.items() if name != "executor"}


def steps_of(kind: str, folder: Path) -> tuple[CommandDeclaration, ...]:
    text = shown(kind, "yaml")[0]
    folder /= text.split()[1]
    folder.mkdir()
    (folder / "runbook.yaml").write_text(text)
    for name in FILES.get(kind, ()):
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    return load(folder).declaration.steps


@every
def test_the_runbook_that_is_shown_can_be_read(kind: str, tmp_path: Path) -> None:
    executor: type[Executor[Any]] = POINTS[kind].load()
    for step in steps_of(kind, tmp_path):
        assert step.executor == kind
        parameters(executor.step_model, Step(id="x", parameters=step.with_))


@every
def test_every_parameter_and_setting_is_shown(kind: str) -> None:
    """In the example, or in words beside it."""
    executor: type[Executor[Any]] = POINTS[kind].load()
    assert executor.settings_model.model_validate(settings_of(kind))
    quoted = set(re.findall(r"`(\w+)`", page(kind)))
    for model, language in ((executor.settings_model, "toml"), (executor.step_model, "yaml")):
        assert set(model.model_fields) - quoted - set(re.findall(r"\w+", " ".join(shown(kind, language)))) == set()


def test_the_defaults_of_commands_are_shown() -> None:
    settings = CommandSettings(**settings_of("command")).model_dump(exclude={"directory", "hidden"})
    assert settings == CommandSettings().model_dump(exclude={"directory", "hidden"})


def test_the_secrets_that_are_shown_are_those_that_are_used(tmp_path: Path) -> None:
    for kind in ("http", "ansible"):
        (tmp_path / kind).mkdir()
    (step,) = steps_of("ansible", tmp_path / "ansible")
    play = parameters(Play, Step(id="x", parameters=step.with_))
    assert {play.become_password, play.vault_password} <= set(step.secrets)
    for step in steps_of("http", tmp_path / "http"):
        assert parameters(HttpParameters, Step(id="x", parameters=step.with_)).secrets() == set(step.secrets)


def test_all_that_is_said_of_an_ansible_host_is_shown() -> None:
    settings = settings_of("ansible")
    assert set(settings["hosts"]["web*"]) == set(Host.model_fields)
    assert AnsibleSettings(**settings).host("web7").groups == ("webs",)


def test_the_function_that_is_shown_is_the_one_that_is_called(tmp_path: Path) -> None:
    (step,) = steps_of("python", tmp_path)
    call = parameters(Call, Step(id="x", parameters=step.with_))
    module = ModuleType("queue")
    exec(shown("python", "python")[0], module.__dict__)  # what is shown is to run
    signature = signature_of(module.drain)
    assert signature.check(call.arguments) == {"queue": "mail", "limit": 50}
    assert (signature.run, signature.dry_run, is_resumable(module.drain)) == (("run",), True, True)
    points = tomllib.loads(shown("python", "toml")[0])["project"]["entry-points"]["firstline.functions"]
    assert call.function in points
