"""The files of one run, in its working directory: what Ansible reads, and where it and its callback write.

No secret is in what is written before the run begins, by whoever may begin it, always the same; it stays as long as the
run's directory. What Ansible writes may hold some: files on their way to a host, the words of a task that failed.
"""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any
from uuid import uuid4

from firstline.executors.ansible import event
from firstline.executors.ansible.configuration import ansible_configuration, ssh_configuration
from firstline.executors.ansible.document import document
from firstline.executors.ansible.settings import AnsibleSettings


class Artifacts:
    def __init__(self, work: Path) -> None:
        """`work`: the run's working directory."""
        self._work = work
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

    def forget(self) -> None:
        """Remove what may hold secrets, once the run has ended and its end was told."""
        self.clear()
        if self.events.exists():
            _replace(self.events, "".join(event.without_words(self.events)))

    def clear(self) -> None:
        """Remove what Ansible keeps while it runs, and was killed before it could remove."""
        shutil.rmtree(self.home, ignore_errors=True)

    def close_connections(self) -> None:
        """End what OpenSSH keeps of a run that was killed before it could: it is deaf to who looks for the run's
        processes, since it writes its title over its environment."""
        for socket in self._work.glob("ssh-*"):
            closing = ("ssh", "-F", os.devnull, "-o", f"ControlPath={socket.name}", "-O", "exit", "any")
            subprocess.run(closing, cwd=self._work, capture_output=True, check=False)  # noqa: S603 - our own words
            socket.unlink(missing_ok=True)


def _replace(path: Path, text: str) -> None:
    """Whole or not at all: somebody else may begin the same run now."""
    draft = path.with_name(f".{path.name}.{uuid4().hex}")
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, path)  # noqa: PTH105 - says what it does
