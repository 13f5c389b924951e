"""PostgreSQL, asked with one statement in a transaction that only reads."""

import asyncio
from collections.abc import Mapping
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from firstline.errors import Rejected, Unavailable
from firstline.query.source import Answer
from firstline.query.sql import ROWS, only_reads, plain, unusable, words

_DIALECT: Any = PGDialect_psycopg()  # type: ignore[no-untyped-call]


class Postgresql:
    """`value` is the first column of the first row. `values` are bound as parameters."""

    def __init__(self, url: sa.URL) -> None:
        try:
            self._where: dict[str, Any] = dict(_DIALECT.create_connect_args(url)[1])
        except sa.exc.ArgumentError as error:
            raise unusable(error) from None

    async def ask(self, text: str, values: Mapping[str, str], timeout: float) -> Answer:
        only_reads(text)
        try:
            async with asyncio.timeout(timeout + 1.0):  # the database's own bound comes first, and ends its work
                return await self._ask(text, values, timeout)
        except TimeoutError as error:
            raise Unavailable(f"no answer within {timeout:g} s") from error
        except psycopg.OperationalError as error:
            raise Unavailable(words(error)) from error
        except (psycopg.Error, sa.exc.SQLAlchemyError) as error:
            raise Rejected(words(error)) from error

    async def aclose(self) -> None:
        """Each question has a connection of its own."""

    async def _ask(self, text: str, values: Mapping[str, str], timeout: float) -> Answer:
        asked = sa.text(text).compile(dialect=_DIALECT)
        connection = await psycopg.AsyncConnection.connect(**self._where)
        try:
            await connection.set_read_only(True)
            cursor = connection.cursor()
            await cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(int(timeout * 1000))])
            first, number = None, 0
            # Streamed: it goes by the extended protocol, which takes one statement and no more ("SELECT 1; COMMIT;
            # DELETE" would leave the transaction that only reads), and no more rows come than are counted.
            async for row in cursor.stream(str(asked), {**asked.params, **values}):
                first = row[0] if number == 0 and row else first
                number += 1
                if number == ROWS:
                    break
        finally:
            await connection.close()
        return Answer(plain(first), number)
