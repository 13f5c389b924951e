"""YAML for Ansible in which every text that others wrote is `!unsafe`: never taken for a template, whatever it holds.

Ansible takes files of extra variables and inventories for templates (`trusted_as_template=True` in ansible-core 2.19,
ansible/utils/vars.py, load_extra_vars), and a template may run programs: what comes from a ticket must not be one. The
tag: docs.ansible.com, playbook_guide/playbooks_advanced_syntax, "Unsafe or raw strings".
"""

from typing import Any

import yaml


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


class Template(str):
    """A text of ours that Ansible is to evaluate."""


def _unsafe(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("!unsafe", text, style='"')


_Dumper.add_representer(str, _unsafe)
_Dumper.add_representer(Template, yaml.SafeDumper.represent_str)


def document(value: dict[str, Any]) -> str:
    """The value, of what JSON has, as YAML in ASCII."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=10_000)
