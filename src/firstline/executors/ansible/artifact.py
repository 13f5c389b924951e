"""The files of one run, in its working directory: what Ansible reads, and where it and its callback write.

No secret is in them. They are written before the run begins, by whoever may begin it, always the same; and stay as
long as the run's directory.
"""

import os
from pathlib import Path
from typing import Any
from uuid import uuid4

from firstline.executors.ansible.configuration import ansible_configuration, ssh_configuration
from firstline.executors.ansible.document import document
from firstline.executors.ansible.settings import AnsibleSettings


class Artifacts:
    def __init__(self, work: Path) -> None:
        """`work`: the run's working directory."""
        self.home = work / ".ansible"
        self._folder = work / ".firstline"
        self.configuration = self._folder / "ansible.cfg"
        self.inventory = self._folder / "inventory.yaml"
        self.variables = self._folder / "variables.yaml"
        self.events = self._folder / "events.jsonl"
        self.ssh_configuration = self._folder / "ssh_config"

    def write(self, settings: AnsibleSettings, inventory: dict[str, Any], variables: dict[str, Any]) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _replace(self.configuration, ansible_configuration(settings, self.home))
        _replace(self.ssh_configuration, ssh_configuration(settings))
        _replace(self.inventory, document(inventory))
        _replace(self.variables, document(variables))


def _replace(path: Path, text: str) -> None:
    """Whole or not at all: somebody else may begin the same run now."""
    draft = path.with_name(f".{path.name}.{uuid4().hex}")
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, path)  # noqa: PTH105 - says what it does
