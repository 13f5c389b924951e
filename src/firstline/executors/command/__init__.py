"""Runs steps as processes of this machine."""

from firstline.executors.command.executor import CommandExecutor
from firstline.executors.command.settings import CommandSettings

__all__ = ["CommandExecutor", "CommandSettings"]
