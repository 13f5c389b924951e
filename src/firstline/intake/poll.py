"""Asks the vendors for what happened. Webhook and poll are one stream: what both bring is stored once.

A connection is polled by one process at a time. Its cursor is moved only when what lies before it is stored, so a poll
that was cut short is done again from where it was, and what it brings again is known by its key."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog

from firstline.connector import Delivery, Page, Window
from firstline.errors import FirstlineError, Unavailable
from firstline.governor import Governor, Priority
from firstline.intake import source
from firstline.intake.delivery import DeliveryLog
from firstline.settings import Intake
from firstline.store.lease import Leases
from firstline.store.table import now

log = structlog.get_logger()

AGAIN = 1.0  # seconds until a vendor that named no wait is asked again, where somebody waits for it


class Poller:
    """`since`: from when on a connection that was never polled is asked; None: from now."""

    def __init__(
        self,
        vendors: source.Vendors,
        leases: Leases,
        deliveries: DeliveryLog,
        governor: Governor,
        since: datetime | None = None,
    ) -> None:
        self._vendors = vendors
        self._leases = leases
        self._deliveries = deliveries
        self._governor = governor
        self._since = since

    async def leads(self, name: str) -> bool:
        """True when this process is the one that asks this connection."""
        return await asyncio.to_thread(self._leases.take, f"poll-{name}")

    async def poll(self, name: str, intake: Intake) -> bool:
        """Bring what a connection has since the last time; called by the clock. True when all of it is here. What goes
        wrong is kept with the connection and shown there; the next call tries again."""
        if not await self.leads(name):
            return False
        try:
            await self._bring(name, intake)
            trouble = ""
        except Exception as error:  # noqa: BLE001 - told with the connection; must not stop the clock
            trouble = self.trouble(name, error)
        values = {"trouble": trouble[:2000]} if trouble else {"trouble": "", "polled_at": now()}
        await self._vendors.database.write(partial(source.note, name=name, **values))
        return not trouble

    def trouble(self, name: str, error: Exception) -> str:
        """An error of asking a connection, in words. What it means for the connection, the governor has seen to."""
        if isinstance(error, FirstlineError):
            log.warning("poll.failed", connection=name, reason=str(error))
            return str(error)
        log.exception("poll.defect", connection=name, exc_info=error)
        return f"a defect: {type(error).__name__}: {error}"

    async def _bring(self, name: str, intake: Intake) -> None:
        connector = self._vendors.connector(name)
        kept = await self._vendors.database.read(partial(source.read, name=name))
        overlap = timedelta(seconds=connector.overlap if intake.overlap is None else intake.overlap)
        async for page in self.pages(name, Window(since=self._from(kept, overlap)), Priority.POLL):
            await self.store(page.deliveries)
            if page.complete_to is not None:
                # The vendor's now, where that is before ours.
                begin = self._since or min(kept["watched_from"], page.complete_to)
                await self._vendors.database.write(
                    partial(source.advance, name=name, cursor=page.complete_to, begin=begin)
                )

    def _from(self, kept: Mapping[str, Any], overlap: timedelta) -> datetime:
        """Where to ask from. While no poll has come to its end, from the hub's first start on, or from where the proofs
        of its webhook end; after one that failed with some overlap, because only the vendor's clock would tell when
        that was."""
        begin: datetime = kept["watched_from"]
        cursor: datetime | None = kept["cursor"]
        if cursor is not None:
            return max(cursor - overlap, begin)
        verified: datetime | None = kept["verified_to"]
        if self._since is None and verified is not None:
            return max(verified - overlap, begin)
        return self._since or (begin - overlap if kept["trouble"] else begin)

    async def pages(self, name: str, window: Window, priority: Priority, patience: float = 0.0) -> AsyncIterator[Page]:
        """The pages of a window, one after the other. Raises what the vendor answers, and `Unavailable` where it must
        not be asked on. `patience`: seconds that are waited for it, over all pages."""
        token = ""
        while True:
            try:
                async with self._governor.asking(name, priority):
                    page = await self._vendors.connector(name).poll(window, token)
            except Unavailable as error:
                wait = error.retry_after or AGAIN
                if wait > patience:
                    raise
                patience -= wait
                await asyncio.sleep(wait)
                continue
            yield page
            token = page.next
            if not token:
                return

    async def store(self, deliveries: Sequence[Delivery]) -> None:
        """Store what a page brought; returns when it is durable."""
        await asyncio.gather(
            *(self._deliveries.append(d.connection, d.key, d.headers, d.body, polled=True) for d in deliveries)
        )
