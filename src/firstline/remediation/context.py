"""What the remediation's parts work with: made once by the hub."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from firstline.connector import ChangeRegister, Connector
from firstline.engine import Engine
from firstline.errors import Rejected
from firstline.executor import Executor
from firstline.governor import Governor
from firstline.masking import Masker
from firstline.remediation.template import Notes
from firstline.store import Database


@dataclass
class Context:
    database: Database
    engine: Engine
    boot: str
    connections: Mapping[str, Connector[Any]]
    governor: Governor
    executors: Mapping[str, Executor[Any]]
    shelf: Path
    place: str  # names this state folder: an executor's traces of a run are found only with the folder they are in
    url: str
    mask: Masker = field(default_factory=Masker)
    notes: Notes = field(default_factory=Notes)
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
        connector = self.connector(name)
        if not isinstance(connector, ChangeRegister):
            raise Rejected(f"the connection {name!r} ({connector.name}) keeps no change requests")
        return connector

    def executor(self, name: str) -> Executor[Any]:
        if name not in self.executors:
            raise Rejected(f"no executor is called {name!r}; there are: {', '.join(self.executors)}")
        return self.executors[name]
