"""What is kept of a connection as a source of events: how far it was polled, when its webhook last spoke."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import sqlalchemy as sa

from firstline.connector import Connector
from firstline.store import Database
from firstline.store.database import insert
from firstline.store.table import SOURCE, SourceRow


class Vendors(Protocol):
    """What asking vendors needs of the hub; a command has less than a hub, and enough."""

    @property
    def database(self) -> Database: ...
    def connector(self, name: str) -> Connector[Any]: ...


@dataclass(frozen=True)
class Desk:
    """The vendors, for a command."""

    database: Database
    connections: Mapping[str, Connector[Any]]

    def connector(self, name: str) -> Connector[Any]:
        return self.connections[name]


def know(connection: sa.Connection, names: set[str]) -> None:
    """Make the rows that are missing: from now on these connections are watched."""
    known = set(connection.execute(sa.select(SOURCE.c.connection)).scalars())
    insert(connection, *(SourceRow(connection=name) for name in sorted(names - known)))


def read(connection: sa.Connection, name: str) -> dict[str, Any]:
    row = connection.execute(sa.select(SOURCE).where(SOURCE.c.connection == name)).mappings().first()
    return dict(row) if row else {}


def note(connection: sa.Connection, name: str, **values: Any) -> None:
    connection.execute(sa.update(SOURCE).where(SOURCE.c.connection == name).values(**values))


def advance(connection: sa.Connection, name: str, cursor: datetime, begin: datetime) -> None:
    """Move the cursor on; never back: a process that was slow must not undo what another has done. `begin`: from when
    on the connection is watched, where this is its first cursor."""
    mine = SOURCE.c.connection == name
    first = sa.and_(mine, SOURCE.c.cursor.is_(None))
    connection.execute(sa.update(SOURCE).where(first).values(cursor=cursor, watched_from=begin))
    connection.execute(sa.update(SOURCE).where(mine, SOURCE.c.cursor < cursor).values(cursor=cursor))
