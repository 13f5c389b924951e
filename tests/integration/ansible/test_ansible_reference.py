"""What the reference shows of playbooks is true."""

import re
import tomllib
from pathlib import Path
from typing import Any

from firstline.executor import Step, parameters
from firstline.executors.ansible import AnsibleSettings, Host
from firstline.executors.ansible.play import Play
from firstline.runbook.load import load

PAGE = (Path(__file__).parents[3] / "docs/reference/executors/ansible.md").read_text()


def shown(language: str) -> str:
    (text,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return str(text)


def test_the_runbook_that_is_shown_can_be_read(tmp_path: Path) -> None:
    folder = tmp_path / "restart-shop"
    folder.mkdir()
    (folder / "runbook.yaml").write_text(shown("yaml"))
    (folder / "restart.yaml").write_text("- hosts: all\n")
    (step,) = load(folder).declaration.steps
    assert step.executor == "ansible"
    play = parameters(Play, Step(id="x", parameters=step.with_))
    assert {play.become_password, play.vault_password} <= set(step.secrets)


def test_the_settings_that_are_shown_are_those_there_are() -> None:
    shown_settings: dict[str, Any] = tomllib.loads(shown("toml"))["executors"]["ansible"]
    assert set(shown_settings) | {"directory"} == set(AnsibleSettings.model_fields)
    assert set(shown_settings["hosts"]["web*"]) == set(Host.model_fields)
    assert AnsibleSettings(**shown_settings).host("web7").groups == ("webs",)
