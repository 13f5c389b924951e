"""The targets of a step as Ansible knows them. Pure.

Shape of an inventory in YAML: docs.ansible.com, collections/ansible/builtin/yaml_inventory. Connection variables:
docs.ansible.com, inventory_guide/intro_inventory, "Connecting to hosts: behavioral inventory parameters".
"""

import re
import sys
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from firstline.errors import Rejected
from firstline.executor import Step
from firstline.executors.ansible.settings import AnsibleSettings, Host

_SHELL = {"ansible_shell_type": "firstline"}  # of hosts with another shell their `variables` say it
_ANSIBLES = ("localhost", "all", "ungrouped")  # means the hub's own machine, or a group, whatever the inventory says
LOCAL = "local"  # the target that is the hub's own machine; Ansible calls it localhost
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")  # Ansible reads more in others: a port, a range, a pattern


def names(step: Step, settings: AnsibleSettings) -> tuple[str, ...]:
    """The step's targets by their names in the inventory, each once. Raises `Rejected` for one that may not be."""
    targets = tuple(dict.fromkeys(step.targets or (step.target,)))
    for target in targets:
        _admit(target, settings)
    return tuple("localhost" if target == LOCAL else target for target in targets)


def inventory_of(names: Iterable[str], settings: AnsibleSettings, home: Path) -> dict[str, Any]:
    """`home` is where Ansible keeps what it keeps on this machine: elsewhere a sandbox may not let it."""
    hosts: dict[str, Any] = {}
    groups: dict[str, Any] = {}
    for name in names:
        host = settings.host(LOCAL if name == "localhost" else name)
        hosts[name] = {**_SHELL, **host.variables, **_connection(name, host, settings, home)}
        for group in host.groups:
            groups.setdefault(group, {"hosts": {}})["hosts"][name] = {}
    return {"all": {"hosts": hosts, "children": groups}}


def _admit(target: str, settings: AnsibleSettings) -> None:
    if not _NAME.fullmatch(target) or target in _ANSIBLES:
        raise Rejected(f"the target {target!r} is no name for Ansible; settings.hosts gives an address a name")
    if not any(fnmatchcase(target, pattern) for pattern in settings.allow):
        raise Rejected(f"the target {target} is not allowed; allowed: {', '.join(settings.allow) or 'none'}")
    if target != LOCAL and settings.known_hosts is None:
        raise Rejected(f"the target {target} can't be told from another: the executor's `known_hosts` is not set")


def _connection(name: str, host: Host, settings: AnsibleSettings, home: Path) -> dict[str, Any]:
    if name == "localhost":
        return {
            "ansible_connection": "local",
            "ansible_python_interpreter": host.python or sys.executable,
            "ansible_remote_tmp": str(home / "tmp"),
        }
    key = host.private_key or settings.private_key
    said = {
        "ansible_connection": "ssh",
        "ansible_host": host.address,
        "ansible_port": host.port,
        "ansible_user": host.user or settings.user,
        "ansible_ssh_private_key_file": str(key.absolute()) if key else "",
        "ansible_ssh_common_args": f"-o ProxyJump={host.jump}" if host.jump else "",
        "ansible_python_interpreter": host.python,
    }
    return {variable: value for variable, value in said.items() if value}
