"""Tells the hub of saves, as the Business Rule and Script Action that we ship do: signed, in order, again until it is
accepted. Independent of the connector's own reading: the body is put together here as the script puts it, with the
fields that the script lists.

It sends for the tables that have an active rule, to the address in the property `firstline.hook.url`."""

import asyncio
import hashlib
import hmac
import json
import re
import time
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import httpx

from firstline.chaos import Faults, HookChaos
from firstline.http import client
from firstline_servicenow.sandbox.shape import Shaper
from firstline_servicenow.sandbox.store import Row, Store

RULE, URL, MORE = "Firstline: tell of saves", "firstline.hook.url", "firstline.hook.fields"
FIRST_DELAY, LAST_DELAY, PATIENCE = 0.2, 5.0, 900.0  # seconds

_NOTE = re.compile(r"\[firstline:([A-Za-z0-9_.:@/+-]{1,80})\]\s*$")
_TEXT = re.compile(r"'([^']*)'|\b(TASK)\b")


class Hook:
    """A queue and the task that empties it. The task starts with the first save and belongs to the running loop."""

    def __init__(self, url: str, secret: str, faults: Faults) -> None:
        self._url = url
        self._secret = secret.encode()
        self._chaos = HookChaos(faults)
        self._queue: asyncio.Queue[tuple[str, str, bytes]] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    def tell(self, store: Store, table: str, row: Row, before: Row | None, entries: Mapping[str, str]) -> None:
        url = _property(store, URL) or self._url
        if not url or not _ruled(store, table):
            return
        key = f"{row['sys_id']}:{row['sys_mod_count']}"
        self._queue.put_nowait((url, key, json.dumps(_body(store, table, row, before, entries)).encode()))
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    def forget(self) -> None:
        """Drop what was not yet sent."""
        while not self._queue.empty():
            self._queue.get_nowait()

    async def aclose(self) -> None:
        await self._chaos.aclose()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        async with client("") as http:
            while True:
                url, key, body = await self._queue.get()
                await self._chaos.deliver(key.partition(":")[0], _Sending(http, url, self._headers(key, body), body))

    def _headers(self, key: str, body: bytes) -> dict[str, str]:
        signature = hmac.new(self._secret, body, hashlib.sha256).hexdigest()
        return {
            "Content-Type": "application/json",
            "X-Firstline-Signature": f"sha256={signature}",
            "X-Firstline-Delivery": key,
        }


class _Sending:
    """One delivery, with the script's own retries."""

    def __init__(self, http: httpx.AsyncClient, url: str, headers: dict[str, str], body: bytes) -> None:
        self._http, self._url, self._headers, self._body = http, url, headers, body

    async def __call__(self) -> None:
        delay, until = FIRST_DELAY, time.monotonic() + PATIENCE
        while not await self._accepted() and time.monotonic() < until:
            await asyncio.sleep(delay)
            delay = min(delay * 2, LAST_DELAY)

    async def _accepted(self) -> bool:
        try:
            return (await self._http.post(self._url, content=self._body, headers=self._headers)).is_success
        except httpx.TransportError:
            return False


@cache
def script_fields() -> dict[str, tuple[str, ...]]:
    """By table, the fields that the script sends: read from it."""
    script = files("firstline_servicenow").joinpath("script_action.js").read_text(encoding="utf-8")
    task, every = (_words(_between(script, f"var {name} = ", ";")) for name in ("TASK", "EVERY"))
    tables = re.findall(r"(\w+): (.*?)(?=,\n        \w|\Z)", _between(script, "var FIELDS = {", "\n    };"), re.DOTALL)
    return {table: (*_words(text, task), *every) for table, text in tables}


def _between(text: str, begin: str, end: str) -> str:
    return text.partition(begin)[2].partition(end)[0]


def _words(expression: str, task: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The words of texts that are joined with +; TASK stands for a list of its own."""
    return tuple("".join(" ".join(task) if name else text for text, name in _TEXT.findall(expression)).split())


def _ruled(store: Store, table: str) -> bool:
    rules = store.rows("sys_script").values()
    return any((r["name"], r["collection"], r["active"]) == (RULE, table, "true") for r in rules)


def _property(store: Store, name: str) -> str:
    found = store.first("sys_properties", "name", name)
    return found["value"] if found else ""


def _body(store: Store, table: str, row: Row, before: Row | None, entries: Mapping[str, str]) -> dict[str, Any]:
    names = (*script_fields()[table], *_property(store, MORE).split())
    fields = [name for name in names if store.reach(table, row, name)]
    states = [name for name in ("state", "acknowledged") if name in row]
    marks = [found[1] for text in entries.values() if before and (found := _NOTE.search(text))]
    return {
        "table": table,
        "operation": "insert" if before is None else "update",
        "sys_id": row["sys_id"],
        "sys_mod_count": int(row["sys_mod_count"]),
        "sys_updated_on": row["sys_updated_on"],
        "sys_updated_by": row["sys_updated_by"],
        "note": marks[0] if marks else "",
        "previous": {} if before is None else {name: before[name] for name in states},
        "record": Shaper(store, "").table(table, row, "all", links=False, fields=fields),
    }
