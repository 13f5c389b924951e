"""Runs steps as jobs of a Rundeck server."""

from firstline.executors.rundeck.executor import RundeckExecutor
from firstline.executors.rundeck.settings import RundeckParameters, RundeckSettings

__all__ = ["RundeckExecutor", "RundeckParameters", "RundeckSettings"]
