"""A database, asked with one SELECT in a transaction that only reads and is rolled back."""

import asyncio
import re
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from firstline.declaration import Json
from firstline.errors import Misdeclared, Rejected, Unavailable
from firstline.query.source import Answer

ROWS = 10_000  # counted at most
_READS = re.compile(r"^\s*(select|with|show|values)\b", re.I)
_READ_ONLY = {
    "postgresql": ("SET TRANSACTION READ ONLY", "SET LOCAL statement_timeout = {milliseconds}"),
    "mysql": ("SET TRANSACTION READ ONLY", "SET max_execution_time = {milliseconds}"),
    "sqlite": ("PRAGMA query_only = ON",),
}


class Sql:
    """`value` is the first column of the first row. `values` are bound as parameters."""

    def __init__(self, url: str) -> None:
        try:
            # PostgreSQL by the driver that is here.
            address = sa.make_url(url)
            driver = "postgresql+psycopg" if address.drivername == "postgresql" else address.drivername
            self._engine = sa.create_engine(address.set(drivername=driver), poolclass=sa.NullPool)
        except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError, ImportError) as error:
            raise Misdeclared(f"the database's URL can't be used: {type(error).__name__}") from None

    async def ask(self, text: str, values: Mapping[str, str], timeout: float) -> Answer:
        if not _READS.match(text):
            raise Rejected("a check only reads: the question begins with SELECT or WITH")
        try:
            async with asyncio.timeout(timeout + 1.0):  # the database's own bound comes first, and ends its work
                return await asyncio.to_thread(self._ask, text, values, timeout)
        except TimeoutError as error:
            raise Unavailable(f"no answer within {timeout:g} s") from error
        except sa.exc.OperationalError as error:
            raise Unavailable(_words(error)) from error
        except sa.exc.SQLAlchemyError as error:
            raise Rejected(_words(error)) from error

    async def aclose(self) -> None:
        await asyncio.to_thread(self._engine.dispose)

    def _ask(self, text: str, values: Mapping[str, str], timeout: float) -> Answer:
        with self._engine.connect() as connection:
            for words in _READ_ONLY.get(connection.dialect.name, ()):
                connection.exec_driver_sql(words.format(milliseconds=int(timeout * 1000)))
            rows = connection.execute(sa.text(text), dict(values)).fetchmany(ROWS)
            connection.rollback()
        return Answer(_json(rows[0][0]) if rows else None, len(rows))


def _json(value: Any) -> Json:
    """As CEL has it: durations in seconds; what has no JSON form as text."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _words(error: sa.exc.SQLAlchemyError) -> str:
    """The driver's own words: SQLAlchemy's add the statement with its values."""
    told = getattr(error, "orig", None) or error
    return f"{type(told).__name__}: {str(told).strip().splitlines()[0][:300] if str(told).strip() else ''}"
