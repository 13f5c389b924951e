"""Runs steps as processes of other hosts, over SSH."""

from firstline.executors.ssh.executor import SshExecutor
from firstline.executors.ssh.settings import HostSettings, SshSettings

__all__ = ["HostSettings", "SshExecutor", "SshSettings"]
