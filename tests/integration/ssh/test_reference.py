"""What the pages show of hosts is true."""

import re
import tomllib
from pathlib import Path

import pytest

from firstline.executors.ssh import HostSettings, SshSettings
from firstline.executors.ssh.host import host_of
from firstline.runbook.load import load

DOCS = Path(__file__).parents[3] / "docs"
REFERENCE = (DOCS / "reference/executors/ssh.md").read_text()
AS_THEY_ARE = (  # without the settings
    *("port", "python", "remote_directory", "environment", "kill_grace", "connect_timeout", "keepalive", "patience"),
    *("idle", "connections", "keep", "become", "users"),
)
HOW_TO = (DOCS / "how-to/run-on-hosts.md").read_text()


def shown(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


def test_the_runbook_that_is_shown_can_be_read(tmp_path: Path) -> None:
    folder = tmp_path / "clear-spool"
    folder.mkdir()
    (text,) = shown(REFERENCE, "yaml")
    (folder / "runbook.yaml").write_text(text)
    (folder / "count-jobs").write_text("#!/bin/sh\n")
    (folder / "count-jobs").chmod(0o755)
    assert [step.executor for step in load(folder).declaration.steps] == ["ssh", "ssh"]


def test_the_settings_that_are_shown_are_those_there_are() -> None:
    (text,) = shown(REFERENCE, "toml")
    table = tomllib.loads(text)["executors"]["ssh"]
    assert set(table) == set(SshSettings.model_fields)
    assert {name for host in table["hosts"].values() for name in host} == set(HostSettings.model_fields)
    settings = SshSettings.model_validate(table)
    assert [host.name for host in host_of(settings, "db1").jump] == ["bastion"]
    assert host_of(settings, "web1")[:6] == (
        "web1",
        "web1",
        2222,
        "www-ops",
        "root",
        "/usr/bin/python3.11",
    )
    for name in AS_THEY_ARE:
        assert getattr(settings, name) == SshSettings.model_fields[name].default, name


@pytest.mark.parametrize("text", shown(HOW_TO, "toml"))
def test_the_settings_of_the_way_there_are_settings(text: str) -> None:
    found = tomllib.loads(text)
    for table in found.get("executors", {}).values():
        SshSettings.model_validate({name: value for name, value in table.items() if name not in ("executor", "hosts")})
        for host in table.get("hosts", {}).values():
            HostSettings.model_validate(host)
