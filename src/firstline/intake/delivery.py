"""Deliveries are stored before they are acknowledged: many in one commit, because a commit is what costs."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import orjson
from sqlalchemy import Connection

from firstline.store import Database, clock, new_id

BATCH = 128
LIMIT = 5 * 1024 * 1024  # bytes of a body; more is answered 413

# What may help to understand a delivery later. Never authorization or cookies.
_KEPT = ("content-type", "user-agent", "x-")
_NEVER = frozenset({"x-forwarded-authorization", "x-api-key", "x-auth-token"})

# Written by hand for the drivers: the hot path pays for each row neither a compiler nor type conversions.
_SQLITE = """
INSERT INTO fl_delivery (id, connection, key, headers, body, received_at, polled, state, reason)
VALUES (?, ?, ?, ?, ?, ?, ?, 'new', '')
ON CONFLICT (connection, key) DO NOTHING"""
_POSTGRES = """
INSERT INTO fl_delivery (id, connection, key, headers, body, received_at, polled, state, reason)
SELECT *, 'new', ''
FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::bytea[], %s::bigint[], %s::bool[])
ON CONFLICT (connection, key) DO NOTHING"""

Row = tuple[str, str, str, str, bytes, int, bool]


class DeliveryLog:
    def __init__(self, database: Database, stored: Callable[[int], None]) -> None:
        """`stored` is called after each commit with how many it had: there is something to dispatch."""
        self._database = database
        self._stored = stored
        self._waiting: list[tuple[Row, asyncio.Future[None]]] = []
        self._flush: asyncio.Task[None] | None = None
        self._pushed: dict[str, int] = {}  # by connection, when its webhook last came

    async def append(
        self, connection: str, key: str, headers: Mapping[str, str], body: bytes, *, polled: bool = False
    ) -> None:
        """Store a delivery; returns when it is durable. A key that is there already is stored once."""
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        kept = {k: v for k, v in headers.items() if k.startswith(_KEPT) and k not in _NEVER}
        received = clock.nanoseconds() // 1000  # as `Moment` keeps it
        row = (new_id(), connection, key, orjson.dumps(kept).decode(), body, received, polled)
        self._waiting.append((row, stored))
        if not polled:
            self._pushed[connection] = received
        if self._flush is None:
            self._flush = asyncio.create_task(self._write_waiting())
        await stored

    def pushed_at(self, connection: str) -> datetime | None:
        """When a connection's webhook last brought something to this process."""
        received = self._pushed.get(connection)
        return datetime.fromtimestamp(received / 1_000_000, UTC) if received else None

    async def _write_waiting(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
                await self._write(batch)
        finally:
            self._flush = None

    async def _write(self, batch: list[tuple[Row, asyncio.Future[None]]]) -> None:
        rows = [row for row, _ in batch]

        def write(connection: Connection) -> None:
            if self._database.is_sqlite:
                connection.exec_driver_sql(_SQLITE, rows)
            else:  # a row each would be a round trip each
                connection.exec_driver_sql(_POSTGRES, tuple(map(list, zip(*rows, strict=True))))

        try:
            await self._database.write(write)
        except Exception as error:  # noqa: BLE001 - each sender must hear that it was not stored
            for _, stored in batch:
                if not stored.done():
                    stored.set_exception(error)
            return
        for _, stored in batch:
            if not stored.done():
                stored.set_result(None)
        self._stored(len(batch))
