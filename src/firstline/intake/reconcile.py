"""The completeness proof: what a vendor has in a period is counted against what was seen, and what is missing brought.

Incidents are counted by when they were opened, because that never changes; each counts as seen when its opening is an
event here. By whichever way it came, and also when it was told late."""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa
import structlog

from firstline.connector import Delivery, Window
from firstline.errors import FirstlineError
from firstline.governor import Priority
from firstline.incident import OPENED
from firstline.intake import source
from firstline.intake.poll import Poller
from firstline.store.database import insert
from firstline.store.table import DELIVERY, EVENT, RECONCILIATION, SOURCE, ReconciliationRow, now

log = structlog.get_logger()

SETTLED = timedelta(minutes=5)  # the newest that is looked at: before, webhook and poll may still be on their way
AGAIN = timedelta(hours=1)  # before what is verified that is looked at again, for rows that were written late
SLICE = timedelta(days=1)  # of a longer period that is due, each is a proof of its own: what is proved stays proved
PATIENCE = 30.0  # seconds: for a vendor that can't answer just then, and until what was brought is dispatched


@dataclass
class Tally:
    """What a reconciliation has found so far: ids of openings; of what is missing, with its delivery's key."""

    there: set[str] = field(default_factory=set)
    seen: int = 0
    total: int | None = None
    missing: dict[str, str] = field(default_factory=dict)
    fetched: int = 0

    @property
    def hidden(self) -> int:
        """Counted by the vendor, but not shown to our account."""
        return max(0, (self.total or 0) - len(self.there))


class Reconciler:
    def __init__(self, vendors: source.Vendors, poller: Poller) -> None:
        self._vendors = vendors
        self._poller = poller

    async def due(self, name: str) -> None:
        """Go on where the last proof ended; called by the clock. Where a slice is not proved, what is new is looked at
        all the same."""
        if not await self._poller.leads(name):
            return
        kept = await self._vendors.database.read(partial(source.read, name=name))
        since, end = (kept["verified_to"] or kept["watched_from"]) - AGAIN, now() - SETTLED
        since = max(since, kept["watched_from"])
        while since < end:
            until = min(since + SLICE, end)
            row = await self.reconcile(name, since, until)
            since = max(until, end - SLICE) if row["trouble"] else until

    async def reconcile(self, name: str, since: datetime, until: datetime) -> dict[str, Any]:
        """Count a period, bring what is missing, count again; gives the row of `fl_reconciliation`."""
        row = ReconciliationRow(connection=name, since=since, until=until)
        await self._vendors.database.write(lambda connection: insert(connection, row))
        tally, trouble = Tally(), ""
        try:
            await self._count(name, Window(since=since, until=until, by="opened"), tally)
            trouble = await self._brought(name, tally) or _hidden(tally)
        except Exception as error:  # noqa: BLE001 - told with the proof that did not come about
            trouble = self._poller.trouble(name, error)
        values = {
            "there": len(tally.there),
            "seen": tally.seen,
            "fetched": tally.fetched,
            "hidden": tally.hidden,
            "ended_at": now(),
            "trouble": trouble[:2000],
        }
        return await self._vendors.database.write(partial(_end, row=row, values=values))

    async def _count(self, name: str, window: Window, tally: Tally) -> None:
        async for page in self._poller.pages(name, window, Priority.BULK, PATIENCE):
            if page.total is not None:
                tally.total = page.total
            told = self._openings(name, page.deliveries)
            told = {id_: delivery for id_, delivery in told.items() if id_ not in tally.there}  # pages may overlap
            tally.there |= told.keys()
            known = await self._vendors.database.read(partial(_known, name=name, ids=list(told)))
            tally.seen += len(known)
            missing = {id_: delivery for id_, delivery in told.items() if id_ not in known}
            await self._poller.store(tuple(missing.values()))
            tally.missing |= {id_: delivery.key for id_, delivery in missing.items()}

    def _openings(self, name: str, deliveries: Sequence[Delivery]) -> dict[str, Delivery]:
        connector = self._vendors.connector(name)
        found: dict[str, Delivery] = {}
        for delivery in deliveries:
            try:
                found |= {event.id: delivery for event in connector.translate(delivery) if event.type == OPENED}
            except FirstlineError:  # stored all the same: it is parked there, with its reason
                found[delivery.key] = delivery
        return found

    async def _brought(self, name: str, tally: Tally) -> str:
        """Wait until what was brought is told; why it is not, or nothing."""
        until = time.monotonic() + PATIENCE
        missing = set(tally.missing)
        while missing and time.monotonic() < until:
            missing -= await self._vendors.database.read(partial(_known, name=name, ids=sorted(missing)))
            tally.fetched = len(tally.missing) - len(missing)
            parked = await self._vendors.database.read(
                partial(_parked, name=name, keys=[tally.missing[id_] for id_ in missing])
            )
            if missing and len(parked) == len(missing):
                return f"{len(missing)} of what was brought can't be used: {next(iter(parked.values()))}"
            await asyncio.sleep(0.2 if missing else 0)
        return f"{len(missing)} were brought and wait for a hub to take them" if missing else ""


def _hidden(tally: Tally) -> str:
    if not tally.hidden:
        return ""
    return f"{tally.hidden} more are there that access rules hide from our account; `firstline doctor` names the role"


def sentence(row: Mapping[str, Any]) -> str:
    """A proof in words: what was there, what was seen, what is missing."""
    missing = row["there"] - row["seen"] - row["fetched"]
    brought = f" ({row['fetched']} brought now)" if row["fetched"] else ""
    period = f"{row['since']:%Y-%m-%d %H:%M} to {row['until']:%Y-%m-%d %H:%M} UTC"
    counts = f"{row['there']:,} there, {row['there'] - missing:,} seen{brought}, {missing:,} missing"
    said = f"{row['connection']}, {period}: {counts}"
    if row["ended_at"] is None:
        return f"{row['connection']}, {period}: begun at {row['began_at']:%H:%M} UTC, not ended"
    if row["trouble"]:
        return f"{said}; not proved: {row['trouble']}"
    if _proved_to(row) <= row["since"]:
        return f"{said}; too new to be verified"
    return f"{said}, verified to {_proved_to(row):%H:%M}"


def _proved_to(row: Mapping[str, Any]) -> datetime:
    """What is newer may still be on its way, or not be shown yet."""
    proved: datetime = min(row["until"], row["began_at"] - SETTLED)
    return proved


def _known(connection: sa.Connection, name: str, ids: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for some in _chunks(ids):
        query = sa.select(EVENT.c.event_id).where(EVENT.c.connection == name, EVENT.c.event_id.in_(some))
        found |= set(connection.execute(query).scalars())
    return found


def _parked(connection: sa.Connection, name: str, keys: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for some in _chunks(keys):
        query = sa.select(DELIVERY.c.key, DELIVERY.c.reason)
        query = query.where(DELIVERY.c.connection == name, DELIVERY.c.key.in_(some), DELIVERY.c.state == "parked")
        found |= {row.key: row.reason for row in connection.execute(query)}
    return found


def _chunks(values: Sequence[str]) -> Iterator[Sequence[str]]:
    """A statement takes only so many."""
    return (values[start : start + 500] for start in range(0, len(values), 500))


def _end(connection: sa.Connection, row: ReconciliationRow, values: dict[str, Any]) -> dict[str, Any]:
    """The row as it is kept, with its words masked."""
    mine = RECONCILIATION.c.id == row.id
    connection.execute(sa.update(RECONCILIATION).where(mine).values(**values))
    ended = dict(connection.execute(sa.select(RECONCILIATION).where(mine)).mappings().one())
    if not ended["trouble"]:
        _verify(connection, ended)
    told = {"connection": row.connection, "since": row.since.isoformat(), "until": row.until.isoformat()}
    log.info("reconcile.ended", **told, **{key: ended[key] for key in values if key != "ended_at"})
    return ended


def _verify(connection: sa.Connection, row: Mapping[str, Any]) -> None:
    """Only what joins on to what is verified proves more."""
    to = _proved_to(row)
    joins = sa.and_(
        SOURCE.c.connection == row["connection"],
        sa.or_(row["since"] <= SOURCE.c.watched_from, row["since"] <= SOURCE.c.verified_to),
        to > sa.func.coalesce(SOURCE.c.verified_to, SOURCE.c.watched_from),
    )
    connection.execute(sa.update(SOURCE).where(joins).values(verified_to=to))
