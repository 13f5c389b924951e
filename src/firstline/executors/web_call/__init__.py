"""Runs steps as calls of another system's HTTP API: one call, or one that begins a run and others that follow it."""

from firstline.executors.web_call.declaration import HttpParameters
from firstline.executors.web_call.executor import HttpExecutor
from firstline.executors.web_call.settings import HttpSettings

__all__ = ["HttpExecutor", "HttpParameters", "HttpSettings"]
