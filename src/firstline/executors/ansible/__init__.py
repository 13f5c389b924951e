"""Runs playbooks with ansible-core, which is an extra: `pip install firstline[ansible]`."""

from firstline.executors.ansible.executor import AnsibleExecutor
from firstline.executors.ansible.settings import AnsibleSettings, Host

__all__ = ["AnsibleExecutor", "AnsibleSettings", "Host"]
