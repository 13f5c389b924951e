"""Runs steps as job templates and workflow templates of AWX or Automation Controller."""

from firstline.executors.awx.executor import AwxExecutor
from firstline.executors.awx.settings import AwxSettings

__all__ = ["AwxExecutor", "AwxSettings"]
