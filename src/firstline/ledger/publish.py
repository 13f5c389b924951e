"""Brings checkpoints off the box, where nobody who runs the hub can take them back."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa
import structlog

from firstline.errors import FirstlineError
from firstline.ledger.checkpoint import read
from firstline.ledger.place import send
from firstline.ledger.sequence import LEASE
from firstline.settings import Settings
from firstline.store import Database
from firstline.store.database import insert_or
from firstline.store.lease import Leases
from firstline.store.table import CHECKPOINT, PUBLICATION, now

log = structlog.get_logger()

LOOK = 1.0
LONGEST = 3600.0  # seconds between two attempts

_NEW = {"size": 0, "at": None, "attempts": 0, "due_at": datetime.fromtimestamp(0, UTC), "trouble": ""}


class Publisher:
    def __init__(
        self, database: Database, leases: Leases, settings: Settings, clock: Callable[[], datetime] = now
    ) -> None:
        self._database = database
        self._leases = leases
        self._every = settings.ledger.publish_every
        self._clock = clock
        self._resolve = settings.resolve
        self.places = settings.ledger.publish

    async def run(self) -> None:
        """Publish for ever; a place that does not answer holds no other."""
        await asyncio.gather(*(self._follow(place) for place in self.places))

    async def _follow(self, place: str) -> None:
        while True:
            try:
                await self.publish(place)
            except Exception:  # a defect must not hold the other places
                log.exception("ledger.publish", place=place)
            await asyncio.sleep(LOOK)

    async def publish(self, place: str) -> None:
        """Send the latest checkpoint there, if it is new to it, its time has come, and no other process does it."""
        if not await asyncio.to_thread(self._leases.take, LEASE):
            return
        standing, note = await self._database.read(partial(_look, place=place))
        if note is None or read(note).size <= standing["size"] or self._clock() < standing["due_at"]:
            return
        try:
            address = self._resolve(place, "ledger.publish") if place.startswith("env:") else place
            await send(address, note, read(note).origin)
        except (FirstlineError, OSError) as error:
            fresh = self._failed(standing, str(error))
            log.warning("ledger.not_published", place=place, attempts=fresh["attempts"], reason=str(error))
        else:
            due = self._clock() + timedelta(seconds=self._every)
            fresh = {"size": read(note).size, "at": self._clock(), "attempts": 0, "due_at": due, "trouble": ""}
        await self._database.write(partial(_keep, row={**standing, **fresh}))

    def _failed(self, standing: dict[str, Any], reason: str) -> dict[str, Any]:
        wait = min(LONGEST, self._every * 2.0 ** min(standing["attempts"], 16))
        due = self._clock() + timedelta(seconds=wait)
        return {"attempts": standing["attempts"] + 1, "due_at": due, "trouble": reason[:500]}


def _look(connection: sa.Connection, place: str) -> tuple[dict[str, Any], str | None]:
    """How far a place is, and the latest checkpoint."""
    row = connection.execute(sa.select(PUBLICATION).where(PUBLICATION.c.place == place)).mappings().first()
    note = connection.execute(sa.select(CHECKPOINT.c.note).order_by(CHECKPOINT.c.size.desc()).limit(1)).scalar()
    return dict(row) if row else {**_NEW, "place": place}, note


def _keep(connection: sa.Connection, row: dict[str, Any]) -> None:
    insert_or(connection, PUBLICATION, [row], ["place"], set(row) - {"place"})
