"""What the stand-in keeps: tokens, jobs, executions with their logs."""

import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from firstline.testing.rundeck.work import Work

ALL = frozenset({"read", "run", "kill", "runAs"})


@dataclass
class Token:
    """Whose it is, and what it may do with jobs."""

    user: str = "firstline"
    rights: frozenset[str] = ALL
    system: bool = True  # it may read /system/info


@dataclass
class Option:
    name: str
    required: bool = False
    secure: bool = False
    regex: str = ""


@dataclass
class Job:
    id: str
    name: str
    program: Callable[[Work], Awaitable[None]]
    options: tuple[Option, ...] = ()
    project: str = "operations"
    enabled: bool = True  # executionEnabled
    multiple: bool = True  # multipleExecutions
    retries: int = 0
    nodes: tuple[str, ...] = ("rundeck-server",)
    success_on_none: bool = False  # successOnEmptyNodeFilter


@dataclass
class Execution:
    id: int
    job: Job
    user: str
    options: dict[str, str]  # what is stored: no secure ones
    secrets: dict[str, str]
    nodes: tuple[str, ...]
    status: str = "running"
    custom_status: str = ""
    started: float = field(default_factory=time.time)
    ended: float | None = None
    aborted_by: str = ""
    failed_nodes: tuple[str, ...] = ()
    attempt: int = 0
    retried: "Execution | None" = None
    log: bytearray = field(default_factory=bytearray)  # one JSON document a line: offsets are bytes of it
    log_complete: bool = True
    log_there: bool = True

    def write(self, line: str, level: str, node: str) -> None:
        now = datetime.now(UTC)
        entry = {
            "time": f"{now:%H:%M:%S}",
            "absolute_time": f"{now:%Y-%m-%dT%H:%M:%SZ}",
            "log": line,
            "level": level,
            "user": self.user,
            "stepctx": "1",
            "node": node,
        }
        self.log += json.dumps(entry).encode() + b"\n"

    def entries(self, offset: int, most: int) -> tuple[list[dict[str, Any]], int]:
        """Whole lines from an offset on, and the offset after them. In the middle of a line, the next one is meant."""
        if offset and self.log[offset - 1 : offset] != b"\n":
            offset = self.log.find(b"\n", offset) + 1 or len(self.log)
        found: list[dict[str, Any]] = []
        while offset < len(self.log) and (not most or len(found) < most):
            end = self.log.index(b"\n", offset) + 1
            found.append(json.loads(self.log[offset:end]))
            offset = end
        return found, offset

    def end(self, status: str) -> None:
        self.status, self.ended = status, time.time()
