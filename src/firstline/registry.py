"""Finds connectors, sandboxes and executors among the installed distributions, by entry point."""

import sys
from collections.abc import Callable
from functools import cache
from importlib.metadata import EntryPoints, entry_points
from typing import Any

from firstline.connector import Connector, SandboxSettings
from firstline.errors import Misdeclared
from firstline.executor import Executor

CONNECTORS = "firstline.connectors"
SANDBOXES = "firstline.sandboxes"
EXECUTORS = "firstline.executors"


def names(group: str) -> list[str]:
    """What is installed in a group, by name."""
    return sorted(point.name for point in _installed(group, tuple(sys.path)))


def connector(name: str) -> type[Connector[Any]]:
    found: type[Connector[Any]] = _load(CONNECTORS, name)
    return found


def executor(name: str) -> type[Executor[Any]]:
    found: type[Executor[Any]] = _load(EXECUTORS, name)
    return found


def sandbox(name: str) -> Callable[[SandboxSettings], Any]:
    """The function that makes the sandbox's ASGI application."""
    found: Callable[[SandboxSettings], Any] = _load(SANDBOXES, name)
    return found


def _load(group: str, name: str) -> Any:
    found = _installed(group, tuple(sys.path)).select(name=name)
    if not found:
        kind = {CONNECTORS: "connector", SANDBOXES: "sandbox", EXECUTORS: "executor"}[group]
        raise Misdeclared(
            f"no {kind} is called {name!r}; installed: {', '.join(names(group)) or 'none'}. "
            f"Is its distribution installed (firstline-{name})?"
        )
    return next(iter(found)).load()


@cache
def _installed(group: str, _path: tuple[str, ...]) -> EntryPoints:
    """Read once for a process and where it looks: each look reads a file of every installed distribution, which takes
    tens of milliseconds."""
    return entry_points(group=group)
