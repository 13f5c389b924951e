"""What is refused before anything begins, and what doctor says."""

from pathlib import Path
from typing import Any

import pytest

from firstline.errors import Rejected
from firstline.executor import Step
from firstline.executors.ansible import AnsibleExecutor, AnsibleSettings, Host

pytestmark = pytest.mark.anyio


async def refusal(settings: AnsibleSettings, folder: Path, parameters: dict[str, Any], **fields: Any) -> str:
    """Why the step is refused; nothing of it is on the disk then."""
    book = folder / "book"
    book.mkdir()
    (book / "playbook.yaml").touch()
    (folder / "other.yaml").touch()
    told = {"playbook": "playbook.yaml", **parameters}
    executor = AnsibleExecutor(settings)
    with pytest.raises(Rejected) as caught:
        await executor.start(Step.model_validate({"id": "x", "folder": str(book), "parameters": told, **fields}))
    assert not (settings.directory / "x").exists()
    return str(caught.value)


@pytest.mark.parametrize(
    ("parameters", "fields", "words"),
    [
        ({"playbook": "../other.yaml"}, {}, "no playbook '../other.yaml' in the runbook's folder"),
        ({"playbook": "missing.yaml"}, {}, "no playbook 'missing.yaml'"),
        ({"limit": "@/etc/hosts"}, {}, "limit: String should match"),
        ({"extra": 1}, {}, "extra: Extra inputs are not permitted"),
        ({"variables": {"ansible_host": "evil"}}, {}, "no variables that begin with ansible_"),
        ({}, {"secrets": {"ansible_password": "x"}}, "no variables that begin with ansible_"),
        ({}, {"secrets": {"my-token": "x"}}, "no secrets whose names are no variable's"),
        ({}, {"environment": {"ANSIBLE_HOST_KEY_CHECKING": "False"}}, "no ANSIBLE_ in its environment"),
        ({}, {"run": ["true"]}, "no `run`: a playbook says what runs"),
        ({}, {"directory": "/tmp"}, "no working directory"),
        ({"vault_password": "KEY"}, {}, "it has no secret KEY"),
        ({}, {"targets": ["local", "web1:22"]}, "'web1:22' is no name for Ansible"),
        ({}, {"targets": ["all,!web1"]}, "is no name for Ansible"),
        ({}, {"targets": ["local", "localhost"]}, "'localhost' is no name for Ansible"),
        ({}, {"target": "all"}, "'all' is no name for Ansible"),
        ({}, {"target": "-i"}, "'-i' is no name for Ansible"),
        ({}, {"target": "{{ lookup('pipe', 'id') }}"}, "is no name for Ansible"),
        ({}, {"target": "db1"}, "the target db1 is not allowed; allowed: local, web*"),
        ({}, {"target": "web1"}, "can't be told from another: the executor's `known_hosts` is not set"),
    ],
)
async def test_what_can_not_be_run_is_refused_in_words(
    tmp_path: Path, parameters: dict[str, Any], fields: dict[str, Any], words: str
) -> None:
    settings = AnsibleSettings(directory=tmp_path / "runs", allow=("local", "web*"))
    assert words in await refusal(settings, tmp_path, parameters, **fields)


async def test_without_ansible_steps_are_refused_and_doctor_says_how_it_is_installed(tmp_path: Path) -> None:
    settings = AnsibleSettings(directory=tmp_path / "runs", program=str(tmp_path / "ansible-playbook"))
    assert f"there is no program {tmp_path}/ansible-playbook" in await refusal(settings, tmp_path, {})
    (found, _) = await AnsibleExecutor(settings).check()
    assert not found.ok
    assert "pip install 'firstline[ansible]'" in found.mend


async def test_doctor_names_an_old_version_and_files_that_ssh_can_not_use(tmp_path: Path) -> None:
    program, key = tmp_path / "ansible-playbook", tmp_path / "key"
    program.write_text("#!/bin/sh\necho 'ansible-playbook [core 2.9.27]'\n")
    program.chmod(0o755)
    key.write_text("key")
    key.chmod(0o644)
    settings = AnsibleSettings(
        program=str(program), known_hosts=tmp_path / "missing", hosts={"web1": Host(private_key=key)}
    )
    found = {finding.subject: finding for finding in await AnsibleExecutor(settings).check()}
    assert found["ansible-playbook"].mend == "ansible-core 2.18 or later is needed"
    assert "No such file" in found["known_hosts"].message
    assert found["private_key"].mend == "chmod 600"
