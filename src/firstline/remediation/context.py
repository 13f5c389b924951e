"""What the remediation's parts work with: made once by the hub."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from firstline.connector import ChangeRegister, Connector
from firstline.engine import Engine
from firstline.errors import Rejected
from firstline.executor import Executor
from firstline.governor import Governor, Priority
from firstline.guard import Guards, Windows
from firstline.incident import Event
from firstline.masking import Masker
from firstline.query import Source
from firstline.register.own import OwnRegister
from firstline.remediation.autonomy.policy import Policy
from firstline.remediation.note.template import Notes
from firstline.remediation.notification.notifier import Notifier
from firstline.remediation.plan import Plan
from firstline.remediation.run.log import Logs
from firstline.secret import Secrets
from firstline.settings import OWN_REGISTER, Changes
from firstline.store import Database

PlanAgain = Callable[[Event, str, Policy], Plan]  # the plan a mapping would make now for an event it once matched


@dataclass
class Context:
    database: Database
    engine: Engine
    boot: str
    connections: Mapping[str, Connector[Any]]
    governor: Governor
    executors: Mapping[str, Executor[Any]]
    shelf: Path
    sources: Mapping[str, Source]  # what checks may ask
    secrets: Secrets  # what runbooks name
    logs: Logs
    place: str  # names this state folder: an executor's traces of a run are found only with the folder they are in
    url: str
    own: OwnRegister
    plan_again: PlanAgain
    changes: Changes = field(default_factory=Changes)
    guards: Guards = field(default_factory=Guards)
    windows: Callable[[], Windows] = Windows  # freezes and maintenance windows, as they are known now
    expires: float = 24 * 3600  # seconds a question waits for its answer
    mask: Masker = field(default_factory=Masker)
    notes: Notes = field(default_factory=Notes)
    notifier: Notifier = field(default_factory=Notifier)
    work: asyncio.Event = field(default_factory=asyncio.Event)  # set when a remediation may be due
    fresh: set[tuple[str, int]] = field(default_factory=set)  # turns started by this process and not yet begun
    writes: asyncio.Event = field(default_factory=asyncio.Event)  # set when a write-back may be due

    def wake(self) -> None:
        """Remediations began: there is work, and there are notes to write."""
        self.work.set()
        self.writes.set()

    def connector(self, name: str) -> Connector[Any]:
        if name not in self.connections:
            raise Rejected(f"the connection {name!r} is no longer in firstline.toml")
        return self.connections[name]

    def register(self, name: str) -> ChangeRegister:
        if name == OWN_REGISTER:
            return self.own
        connector = self.connector(name)
        if not isinstance(connector, ChangeRegister):
            raise Rejected(f"the connection {name!r} ({connector.name}) keeps no change requests")
        return connector

    @asynccontextmanager
    async def asking(self, register: str) -> AsyncIterator[None]:
        """Ask a register, as `Governor.asking`: somebody waits for the answer. The hub's own is always there."""
        if register == OWN_REGISTER:
            yield
            return
        async with self.governor.asking(register, Priority.INTERACTIVE):
            yield

    def executor(self, name: str) -> Executor[Any]:
        if name not in self.executors:
            raise Rejected(f"no executor is called {name!r}; there are: {', '.join(self.executors)}")
        return self.executors[name]

    def source(self, name: str) -> Source:
        if name not in self.sources:
            known = ", ".join(self.sources) or "none"
            raise Rejected(f"firstline.toml has no [queries.{name}] to ask; there are: {known}")
        return self.sources[name]
