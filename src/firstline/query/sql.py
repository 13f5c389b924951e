"""A database behind any driver of SQLAlchemy, asked with one SELECT in a transaction that is rolled back. PostgreSQL
has a client of its own (`postgresql.py`)."""

import asyncio
import re
import sqlite3
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from threading import BoundedSemaphore, Thread
from typing import Any, TypeVar

import sqlalchemy as sa

from firstline.declaration import Json
from firstline.errors import Misdeclared, Rejected, Unavailable
from firstline.query.source import Answer

ROWS = 10_000  # counted at most
OPEN = 4  # questions that may be without an answer, of one source
_READS = re.compile(r"^\s*(select|with|show|values)\b", re.I)
_READ_ONLY = {
    "mysql": ("SET TRANSACTION READ ONLY", "SET max_execution_time = {milliseconds}"),
    "sqlite": ("PRAGMA query_only = ON",),
}
_STEPS = 10_000  # of SQLite's machine, between two looks at the clock

T = TypeVar("T")


class Sql:
    """`value` is the first column of the first row. `values` are bound as parameters."""

    def __init__(self, url: sa.URL) -> None:
        try:
            self._engine = sa.create_engine(url, poolclass=sa.NullPool)
        except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError, ImportError) as error:
            raise unusable(error) from None
        self._open = BoundedSemaphore(OPEN)

    async def ask(self, text: str, values: Mapping[str, str], timeout: float) -> Answer:
        only_reads(text)
        if not self._open.acquire(blocking=False):
            raise Unavailable(f"{OPEN} questions have no answer yet")
        answer = _in_thread(lambda: self._ask(text, values, timeout), self._open.release)
        try:
            async with asyncio.timeout(timeout + 1.0):  # the database's own bound comes first, and ends its work
                return await answer
        except TimeoutError as error:
            raise Unavailable(f"no answer within {timeout:g} s") from error
        except sa.exc.OperationalError as error:
            raise Unavailable(words(error.orig or error)) from error
        except sa.exc.SQLAlchemyError as error:
            raise Rejected(words(getattr(error, "orig", None) or error)) from error

    async def aclose(self) -> None:
        self._engine.dispose()

    def _ask(self, text: str, values: Mapping[str, str], timeout: float) -> Answer:
        with self._engine.connect() as connection:
            _bound(connection.connection.driver_connection, time.monotonic() + timeout)
            for statement in _READ_ONLY.get(connection.dialect.name, ()):
                connection.exec_driver_sql(statement.format(milliseconds=int(timeout * 1000)))
            rows = connection.execute(sa.text(text), dict(values)).fetchmany(ROWS)
            connection.rollback()
        return Answer(plain(rows[0][0]) if rows else None, len(rows))


def only_reads(text: str) -> None:
    if not _READS.match(text):
        raise Rejected("a check only reads: the question begins with SELECT or WITH")


def plain(value: Any) -> Json:
    """As CEL has it: durations in seconds; what has no JSON form as text."""
    if isinstance(value, Decimal) and value.is_finite():
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def words(error: BaseException) -> str:
    """The driver's own words: SQLAlchemy's add the statement with its values."""
    told = str(error).strip()
    return f"{type(error).__name__}: {told.splitlines()[0][:300] if told else ''}"


def unusable(error: Exception) -> Misdeclared:
    """Its words would show the password."""
    return Misdeclared(f"the database's URL can't be used: {type(error).__name__}")


def _bound(connection: Any, end: float) -> None:
    """SQLite works in this process, and nobody else would end it."""
    if isinstance(connection, sqlite3.Connection):
        connection.set_progress_handler(lambda: time.monotonic() > end, _STEPS)


def _in_thread(act: Callable[[], T], over: Callable[[], None]) -> "asyncio.Future[T]":
    """In a thread of its own: a driver that never comes back takes none from others, and does not hold up the end of
    the process."""
    loop, found = asyncio.get_running_loop(), asyncio.get_running_loop().create_future()

    def settle(set_: Callable[[Any], None], result: Any) -> None:
        if not found.done():
            set_(result)

    def run() -> None:
        try:
            told: tuple[Callable[[Any], None], Any] = (found.set_result, act())
        except Exception as error:  # noqa: BLE001 - whoever asked gets it
            told = (found.set_exception, error)
        finally:
            over()
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, *told)

    Thread(target=run, name="query", daemon=True).start()
    return found
