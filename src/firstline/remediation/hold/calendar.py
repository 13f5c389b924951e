"""The windows as they are known now: of the operators' calendars, and of the change registers."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import structlog

from firstline.connector import Blackout
from firstline.guard import Window, Windows
from firstline.guard.calendar import Read, read
from firstline.guard.subject import fold
from firstline.guard.window import Kind
from firstline.store import Database
from firstline.store.table import BLACKOUT

log = structlog.get_logger()

BEFORE = timedelta(days=1)
AHEAD = timedelta(days=62)  # how far repetitions are computed, and the next maintenance window is told
AGAIN = timedelta(days=1)  # then they are computed further


class Calendars:
    """`windows` are those of the last look; before the first look there is no telling, and nothing may be changed."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.windows = Windows(faults=(f"{folder}: not read yet",))
        self._folder = folder
        self._database = database
        self._seen: tuple[Any, ...] = ()
        self._until: datetime | None = None

    def look(self, now: datetime) -> Windows:
        """Read again what has changed since the last look. Cheap where nothing has: called by the clock. Blocks."""
        seen = (self._files(), self._database.read_now(_stamp))
        if seen != self._seen or self._until is None or self._until - AHEAD + AGAIN < now:
            self._until = now + AHEAD
            self.windows = self._read(now - BEFORE, self._until)
            self._seen = seen
            for fault in self.windows.faults:
                log.error("calendar.fault", fault=fault)
        return self.windows

    def _read(self, since: datetime, until: datetime) -> Windows:
        # People read these places on tickets and pages, where it is of no use, and of no business, where the hub is.
        files = [_file(path, since, until, path.relative_to(self._folder.parent)) for path in _paths(self._folder)]
        blackouts = self._database.read_now(_blackouts)
        return Windows(
            [*blackouts, *(window for each in files for window in each.windows)],
            bound={name for each in files for name in each.bound},
            faults=[fault for each in files for fault in each.faults],
            known_until=until,
        )

    def _files(self) -> tuple[Any, ...]:
        """Size, time and place on the disk of each file: cheap, and enough to see that somebody saved one."""
        return tuple((str(path), *_stat(path)) for path in _paths(self._folder))


def faults(folder: Path, now: datetime) -> list[str]:
    """Each mistake in the calendars of a folder, with its place. No folder: none."""
    return [fault for path in _paths(folder) for fault in _file(path, now - BEFORE, now + AHEAD, path).faults]


def _paths(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("**/*.ics") if not path.name.startswith("."))


def _stat(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except OSError:  # a link into nothing: it is told when it is read
        return ()
    return found.st_mtime_ns, found.st_size, found.st_ino


def _file(path: Path, since: datetime, until: datetime, named: Path) -> Read:
    try:
        return read(path.read_bytes(), str(named), since, until)
    except OSError as error:
        return Read(faults=(f"{named}:1: {error.strerror}",))


def _stamp(connection: sa.Connection) -> tuple[Any, ...]:
    """Changes with the registers' windows."""
    columns = BLACKOUT.c
    query = sa.select(sa.func.count(), sa.func.max(columns.seen_at), sa.func.max(columns.id))
    return tuple(connection.execute(query).one())


def _blackouts(connection: sa.Connection) -> list[Window]:
    query = sa.select(BLACKOUT.c.connection, BLACKOUT.c.blackout)
    return [_window(row.connection, Blackout.model_validate(row.blackout)) for row in connection.execute(query)]


def _window(connection: str, told: Blackout) -> Window:
    kind: Kind = "maintenance" if told.kind == "maintenance" else "freeze"
    return Window(kind, told.name, told.start, told.end, frozenset(fold(told.items)), told.url or connection)
