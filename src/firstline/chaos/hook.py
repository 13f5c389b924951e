"""Faults in how a sandbox sends its webhooks."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

from firstline.chaos.fault import Faults

Delivery = Callable[[], Awaitable[Any]]


class HookChaos:
    """Stands between a sandbox and its sender. Belongs to one event loop."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._followed: dict[str, asyncio.Event] = {}
        self._held: set[asyncio.Task[None]] = set()

    @property
    def waiting(self) -> int:
        """Webhooks that are held back now."""
        return len(self._held)

    async def deliver(self, record: str, send: Delivery) -> None:
        """Send a webhook about a record, or do to it what its fault says. `send` makes the whole delivery with the
        vendor's own retries, and is awaited not at all, once or twice; what is held back is sent by a task of its
        own, so that those behind it overtake it."""
        fault = self._faults.of_hook()
        if fault == "hook_delay":
            self._hold(self._late(send))
        elif fault == "hook_reorder":
            self._hold(self._behind(self._followed.setdefault(record, asyncio.Event()), send))
        elif fault != "hook_lost":
            await send()
            if fault == "hook_duplicate":
                await send()
            self._release(record)

    async def aclose(self) -> None:
        """Forget what is held back."""
        held = list(self._held)
        for task in held:
            task.cancel()
        await asyncio.gather(*held, return_exceptions=True)

    def _hold(self, sending: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(sending)
        self._held.add(task)
        task.add_done_callback(self._held.discard)

    async def _late(self, send: Delivery) -> None:
        await asyncio.sleep(self._faults.settings.hook_delay_seconds)
        await send()

    async def _behind(self, followed: asyncio.Event, send: Delivery) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._faults.settings.hook_delay_seconds):
                await followed.wait()
        await send()

    def _release(self, record: str) -> None:
        if followed := self._followed.pop(record, None):
            followed.set()
