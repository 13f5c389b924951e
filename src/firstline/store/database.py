"""One database, spoken to from threads: writes one after another where the database has one writer anyway."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from psycopg.types.string import StrDumper
from sqlalchemy import Connection, Engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import SQLModel

from firstline.errors import Misdeclared
from firstline.masking import Masker
from firstline.store import table
from firstline.store.told import mask_with

T = TypeVar("T")

READERS = 4
POSTGRES_WRITERS = 4
_START = 0x66697273746C  # the advisory lock of starts
_MEND = "Give this version a database of its own (hub.database), or go back to the version that made this one"


class Database:
    """Runs functions of a connection, each in a transaction of its own, away from the event loop.

    `url`: `sqlite:///path` or `postgresql://...` (psycopg 3). `mask` is applied to what is told to people."""

    def __init__(self, url: str, mask: Masker | None = None) -> None:
        self.url = sa.make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = _engine(self.url)
        mask_with(self.engine, mask or Masker())
        writers = 1 if self.is_sqlite else POSTGRES_WRITERS
        self._writers = ThreadPoolExecutor(writers, "write")
        self._readers = ThreadPoolExecutor(READERS, "read")

    def create(self) -> None:
        """Make the tables and indexes that are missing. Raises `Misdeclared` where a table is of another version."""
        ours = [each for each in SQLModel.metadata.sorted_tables if _ours(each)]

        def make(connection: Connection) -> None:
            one_at_a_time(connection)
            SQLModel.metadata.create_all(connection, tables=ours)
            for each in ours:
                _compare(connection, each)
            for index in (index for each in ours for index in each.indexes):
                index.create(connection, checkfirst=True)

        self.write_now(make)

    async def write(self, act: Callable[[Connection], T]) -> T:
        """Run `act` in a transaction that is committed durably when this returns."""
        return await asyncio.get_running_loop().run_in_executor(self._writers, self.write_now, act)

    async def read(self, act: Callable[[Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, self.read_now, act)

    def write_now(self, act: Callable[[Connection], T]) -> T:
        with self.engine.begin() as connection:
            return act(connection)

    def read_now(self, act: Callable[[Connection], T]) -> T:
        with self.engine.connect() as connection:
            return act(connection)

    def close(self) -> None:
        self._writers.shutdown()
        self._readers.shutdown()
        self.engine.dispose()


def one_at_a_time(connection: Connection) -> None:
    """Begin a transaction so that no other is in one that began so: what is looked at first still holds when it is
    written. In a transaction that has begun so, or on SQLite has written, it changes nothing."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_START)))
    elif not connection.connection.driver_connection.in_transaction:  # type: ignore[union-attr]
        # The driver would begin with the first row that is written, after others were read.
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def snapshot(connection: Connection) -> None:
    """From here on the connection sees one state of the database; called before anything else of it."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    else:  # a SELECT alone begins nothing that lasts
        connection.exec_driver_sql("BEGIN")


def passing(error: BaseException) -> bool:
    """True for a trouble that goes by: the database is away, busy, full or read-only. Anything else lies in what was
    asked, and comes again."""
    if not isinstance(
        error, sa.exc.OperationalError | sa.exc.InterfaceError | sa.exc.InternalError | sa.exc.TimeoutError
    ):
        return False
    # 54: a value that is too large for an index; PostgreSQL's driver counts it among the operator's troubles.
    return not str(getattr(getattr(error, "orig", None), "sqlstate", None) or "").startswith("54")


def upsert_newer(connection: Connection, into: sa.Table, rows: list[dict[str, Any]], key: list[str], age: str) -> None:
    """Insert rows, or overwrite those with the key, unless the row that is there is newer by the column `age`."""
    if not rows:
        return
    statement = _insert(connection, into)
    new = statement.excluded
    values = {column.name: new[column.name] for column in into.columns if column.name not in key}
    connection.execute(
        statement.on_conflict_do_update(index_elements=key, set_=values, where=into.c[age] <= new[age]), rows
    )


def insert_or(
    connection: Connection, into: sa.Table, rows: list[dict[str, Any]], key: list[str], overwrite: set[str]
) -> None:
    """Insert rows; where the key is there already, overwrite these columns."""
    if not rows:
        return
    statement = _insert(connection, into)
    values = {name: statement.excluded[name] for name in overwrite}
    connection.execute(statement.on_conflict_do_update(index_elements=key, set_=values), rows)


def insert(connection: Connection, *rows: SQLModel) -> None:
    """Insert new rows, each of a table's model; those of one table in one statement."""
    tables: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        tables.setdefault(str(row.__tablename__), []).append(dict(row.__dict__))
    for name, values in tables.items():
        statement, columns = _inserting(name)
        connection.execute(statement, [{column: value[column] for column in columns} for value in values])


def update(connection: Connection, of: sa.Table, where: Mapping[str, Any], values: Mapping[str, Any]) -> int:
    """Set values where each of these columns has that value; gives how many rows."""
    statement = _updating(of, tuple(where))
    known = {f"is_{name}": value for name, value in where.items()}
    return connection.execute(statement, {**known, **values}).rowcount


# Made once: to make a statement takes longer than to run it.
@cache
def _inserting(name: str) -> tuple[sa.Insert, tuple[str, ...]]:
    into = SQLModel.metadata.tables[name]
    return sa.insert(into), tuple(column.name for column in into.columns)


@cache
def _updating(of: sa.Table, where: tuple[str, ...]) -> sa.Update:
    return sa.update(of).where(*(of.c[name] == sa.bindparam(f"is_{name}") for name in where))


def _insert(connection: Connection, into: sa.Table) -> Any:
    """An insert that knows conflicts: the two dialects have the same methods, but no common type."""
    return sqlite.insert(into) if connection.dialect.name == "sqlite" else postgresql.insert(into)


def _ours(candidate: sa.Table) -> bool:
    return candidate.name.startswith("fl_")


def _compare(connection: Connection, table: sa.Table) -> None:
    """A table that is there already is left as it is: with a column too few nothing could be kept in it; with one too
    many, which must not be empty, neither."""
    there = {column["name"]: column for column in sa.inspect(connection).get_columns(table.name)}
    missing = sorted(column.name for column in table.columns if column.name not in there)
    unknown = sorted(
        name
        for name, column in there.items()
        if name not in table.columns and not column["nullable"] and column["default"] is None
    )
    if missing:
        raise Misdeclared(f"the table {table.name} lacks {', '.join(missing)}: an older version made it. {_MEND}")
    if unknown:
        raise Misdeclared(f"the table {table.name} asks for {', '.join(unknown)}: a newer version made it. {_MEND}")


def _engine(url: sa.URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        return _sqlite(url)
    if url.get_backend_name() == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
        engine = sa.create_engine(url, pool_size=20, max_overflow=20, pool_pre_ping=True, hide_parameters=True)
        event.listen(engine, "connect", lambda connection, _: connection.adapters.register_dumper(str, _Text))
        return engine
    raise Misdeclared(f"the database {url.render_as_string()!r} is neither sqlite:/// nor postgresql://")


class _Text(StrDumper):
    """PostgreSQL's text holds neither NUL nor half a surrogate pair, and what vendors and commands say may."""

    def dump(self, obj: str) -> bytes:
        return obj.replace("\x00", "\N{SYMBOL FOR NULL}").encode("utf-8", "replace")


def _sqlite(url: sa.URL) -> Engine:
    if not url.database:
        raise Misdeclared("a SQLite database needs a file: sqlite:///state/firstline.db")
    Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    # Larger than all threads together, the durable engine's included: a pool that runs dry stalls for minutes.
    engine = sa.create_engine(
        url,
        poolclass=sa.QueuePool,
        pool_size=64,
        max_overflow=0,
        hide_parameters=True,  # an error's words reach logs and tickets
        connect_args={"timeout": 30, "isolation_level": "IMMEDIATE", "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _durable(connection: Any, _: Any) -> None:
        # FULL: what was acknowledged survives a power loss; under group commit it costs nothing. A checkpoint each
        # 32 MiB instead of 4: in a storm of webhooks there were several a second.
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000", "wal_autocheckpoint=8000"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


__all__ = ["Database", "insert", "insert_or", "one_at_a_time", "passing", "snapshot", "table", "update", "upsert_newer"]
