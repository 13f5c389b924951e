"""Tells the hub of saves, as the Business Rule and Script Action that we ship do: signed, in order, again until it is
accepted. Independent of the connector's own reading: the body is put together here as the script puts it."""

import asyncio
import hashlib
import hmac
import json
import time
from typing import Any

import httpx

from firstline_servicenow.sandbox.schema import SHAPES
from firstline_servicenow.sandbox.shape import Shaper
from firstline_servicenow.sandbox.store import Row, Store

# The fields the script sends; the same lists stand in script_action.js.
FIELDS = {
    "incident": (
        "number short_description description state active priority urgency impact category subcategory cmdb_ci "
        "business_service assignment_group assigned_to caller_id opened_at resolved_at closed_at close_code rfc "
        "correlation_id correlation_display sys_created_on sys_created_by sys_updated_on sys_updated_by sys_mod_count"
    ),
    "change_request": (
        "number short_description type state approval active cmdb_ci assignment_group start_date end_date work_start "
        "work_end close_code correlation_id correlation_display sys_created_on sys_created_by sys_updated_on "
        "sys_updated_by sys_mod_count"
    ),
}
FIRST_DELAY, LAST_DELAY, PATIENCE = 0.2, 5.0, 900.0  # seconds


class Hook:
    """A queue and the task that empties it. The task starts with the first save and belongs to the running loop."""

    def __init__(self, url: str, secret: str) -> None:
        self._url = url
        self._secret = secret.encode()
        self._queue: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    def tell(self, store: Store, table: str, row: Row, before: Row | None) -> None:
        if not self._url:
            return
        key = f"{row['sys_id']}:{row['sys_mod_count']}"
        self._queue.put_nowait((key, json.dumps(_body(store, table, row, before)).encode()))
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    def forget(self) -> None:
        """Drop what was not yet sent."""
        while not self._queue.empty():
            self._queue.get_nowait()

    async def aclose(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        async with httpx.AsyncClient(timeout=10, trust_env=False) as http:
            while True:
                await self._send(http, *await self._queue.get())

    async def _send(self, http: httpx.AsyncClient, key: str, body: bytes) -> None:
        signature = hmac.new(self._secret, body, hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "X-Firstline-Signature": f"sha256={signature}",
            "X-Firstline-Delivery": key,
        }
        delay, until = FIRST_DELAY, time.monotonic() + PATIENCE
        while not await _accepted(http, self._url, headers, body) and time.monotonic() < until:
            await asyncio.sleep(delay)
            delay = min(delay * 2, LAST_DELAY)


async def _accepted(http: httpx.AsyncClient, url: str, headers: dict[str, str], body: bytes) -> bool:
    try:
        return (await http.post(url, content=body, headers=headers)).is_success
    except httpx.TransportError:
        return False


def _body(store: Store, table: str, row: Row, before: Row | None) -> dict[str, Any]:
    shaper = Shaper(store, "")
    fields = [name for name in FIELDS[table].split() if name in SHAPES[table].kinds]
    return {
        "table": table,
        "operation": "insert" if before is None else "update",
        "sys_id": row["sys_id"],
        "sys_mod_count": int(row["sys_mod_count"]),
        "sys_updated_on": row["sys_updated_on"],
        "sys_updated_by": row["sys_updated_by"],
        "previous": {} if before is None else {"state": before["state"]},
        "record": shaper.table(table, row, "all", links=False, fields=fields),
    }
