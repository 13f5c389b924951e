"""Named locks that die with the process that holds them: proof of life, and roles that one process has at a time.

Never timestamps: a clock or a long pause can't give a lease to two."""

import fcntl
import hashlib
import os
import threading
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import Connection

from firstline.store.database import Database


class Leases:
    """The leases of one process."""

    def __init__(self, database: Database) -> None:
        self._one = threading.Lock()  # of the threads that ask
        self._closed = False
        self._held: _Files | _Advisory = (
            _Files(Path(f"{database.url.database}.locks")) if database.is_sqlite else _Advisory(database)
        )

    def take(self, name: str) -> bool:
        """Take the lease, or keep it if it is ours. False while another process has it, and once these are closed: who
        asked before and comes late must not hold one for ever."""
        with self._one:
            return not self._closed and self._held.take(name)

    def is_free(self, name: str) -> bool:
        """True when no living process has it."""
        with self._one:
            return not self._closed and self._held.is_free(name)

    def close(self) -> None:
        with self._one:
            self._closed = True
            self._held.close()


class _Files:
    """flock on files beside the SQLite database; the kernel lets go of them when the process ends."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._open: dict[str, int] = {}

    def take(self, name: str) -> bool:
        if name in self._open:
            return True
        descriptor = self._lock(name)
        if descriptor is None:
            return False
        self._open[name] = descriptor
        return True

    def is_free(self, name: str) -> bool:
        if name in self._open or not (self._directory / name).exists():
            return name not in self._open
        descriptor = self._lock(name)
        if descriptor is None:
            return False
        os.close(descriptor)
        return True

    def close(self) -> None:
        for descriptor in self._open.values():
            os.close(descriptor)
        self._open.clear()

    def _lock(self, name: str) -> int | None:
        descriptor = os.open(self._directory / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor


class _Advisory:
    """PostgreSQL session advisory locks, all on one connection: they go when it goes."""

    def __init__(self, database: Database) -> None:
        self._engine = database.engine
        self._connection: Connection | None = None
        self._names: set[str] = set()

    def take(self, name: str) -> bool:
        connection = self._session()
        if name not in self._names:
            if not connection.scalar(_try(name)):
                return False
            self._names.add(name)
        return True

    def is_free(self, name: str) -> bool:
        connection = self._session()
        if name in self._names:
            return False
        if not connection.scalar(_try(name)):
            return False
        connection.execute(sa.select(sa.func.pg_advisory_unlock(_number(name))))
        return True

    def close(self) -> None:
        if self._connection is not None:
            self._connection.invalidate()  # a closed session holds no lock; a pooled one would
            self._connection.close()
            self._connection = None

    def _session(self) -> Connection:
        """The connection, asked whether it lives: with a broken one all leases are gone, and taken again at once where
        nobody was faster."""
        try:
            if self._connection is not None:
                self._connection.execute(sa.text("SELECT 1"))
                return self._connection
        except sa.exc.DBAPIError:
            self.close()
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        lost, self._names, self._connection = self._names, set(), connection
        self._names = {name for name in lost if connection.scalar(_try(name))}
        return connection


def _try(name: str) -> sa.Select[tuple[bool]]:
    return sa.select(sa.func.pg_try_advisory_lock(_number(name)))


def _number(name: str) -> int:
    return int.from_bytes(hashlib.sha256(f"firstline:{name}".encode()).digest()[:8], signed=True)
