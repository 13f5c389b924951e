"""Deliveries are stored before they are acknowledged: many in one commit, because a commit is what costs."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from firstline.store import Database, new_id
from firstline.store.database import insert_missing
from firstline.store.table import DELIVERY, now

BATCH = 128
LIMIT = 5 * 1024 * 1024  # bytes of a body; more is answered 413

# What may help to understand a delivery later. Never authorization or cookies.
_KEPT = ("content-type", "user-agent", "x-")
_NEVER = ("x-forwarded-authorization", "x-api-key", "x-auth-token")


class DeliveryLog:
    def __init__(self, database: Database, stored: Callable[[], None]) -> None:
        """`stored` is called after each commit: there is something to dispatch."""
        self._database = database
        self._stored = stored
        self._waiting: list[tuple[dict[str, Any], asyncio.Future[None]]] = []
        self._flush: asyncio.Task[None] | None = None

    async def append(self, connection: str, key: str, headers: Mapping[str, str], body: bytes) -> None:
        """Store a delivery; returns when it is durable. A key that is there already is stored once."""
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        kept = {k: v for k, v in headers.items() if k.startswith(_KEPT) and k not in _NEVER}
        row = {
            "id": new_id(),
            "connection": connection,
            "key": key,
            "headers": kept,
            "body": body,
            "received_at": now(),
            "state": "new",
            "reason": "",
        }
        self._waiting.append((row, stored))
        if self._flush is None:
            self._flush = asyncio.create_task(self._write_waiting())
        await stored

    async def _write_waiting(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
                await self._write(batch)
        finally:
            self._flush = None

    async def _write(self, batch: list[tuple[dict[str, Any], asyncio.Future[None]]]) -> None:
        rows = [row for row, _ in batch]
        try:
            await self._database.write(lambda c: insert_missing(c, DELIVERY, rows, ["connection", "key"]))
        except Exception as error:  # noqa: BLE001 - each sender must hear that it was not stored
            for _, stored in batch:
                if not stored.done():
                    stored.set_exception(error)
            return
        for _, stored in batch:
            if not stored.done():
                stored.set_result(None)
        self._stored()
