"""The completeness proof: what a vendor has in a period is counted against what was seen, and what is missing brought.

Incidents are counted by when they were opened, because that never changes; each counts as seen when its opening is an
event here. By whichever way it came, and also when it was told late."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa
import structlog

from firstline.connector import Delivery, Window
from firstline.errors import FirstlineError
from firstline.incident import OPENED
from firstline.intake import source
from firstline.intake.poll import Poller
from firstline.remediation.budget import Priority
from firstline.store.database import insert
from firstline.store.table import DELIVERY, EVENT, RECONCILIATION, SOURCE, ReconciliationRow, now

log = structlog.get_logger()

SETTLED = timedelta(minutes=5)  # the newest that is looked at: before, webhook and poll may still be on their way
AGAIN = timedelta(hours=1)  # before what is verified that is looked at again, for rows that were written late
PATIENCE = 30.0  # seconds: for a vendor that can't answer just then, and until what was brought is dispatched


@dataclass
class Tally:
    """What a reconciliation has found so far. Deliveries by the id of the opening they tell."""

    there: set[str] = field(default_factory=set)
    seen: int = 0
    total: int | None = None
    missing: dict[str, Delivery] = field(default_factory=dict)
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
        """Go on where the last proof ended; called by the clock."""
        if not await self._poller.leads(name):
            return
        kept = await self._vendors.database.read(partial(source.read, name=name))
        since = (kept["verified_to"] or kept["watched_from"]) - AGAIN
        until = now() - SETTLED
        if since < until:
            await self.reconcile(name, max(since, kept["watched_from"]), until)

    async def reconcile(self, name: str, since: datetime, until: datetime) -> dict[str, Any]:
        """Count a period, bring what is missing, count again; gives the row of `fl_reconciliation`."""
        row = ReconciliationRow(connection=name, since=since, until=until)
        await self._vendors.database.write(lambda connection: insert(connection, row))
        tally, trouble = Tally(), ""
        try:
            await self._count(name, Window(since=since, until=until, by="opened"), tally)
            await self._poller.store(tuple(tally.missing.values()))
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
            tally.missing |= {id_: delivery for id_, delivery in told.items() if id_ not in known}

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
                partial(_parked, name=name, keys=[tally.missing[id_].key for id_ in missing])
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
    if row["trouble"]:
        return f"{said}; not proved: {row['trouble']}"
    return f"{said}, verified to {row['until']:%H:%M}"


def _known(connection: sa.Connection, name: str, ids: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for start in range(0, len(ids), 500):
        query = sa.select(EVENT.c.event_id).where(
            EVENT.c.connection == name, EVENT.c.event_id.in_(ids[start : start + 500])
        )
        found |= set(connection.execute(query).scalars())
    return found


def _parked(connection: sa.Connection, name: str, keys: Sequence[str]) -> dict[str, str]:
    query = sa.select(DELIVERY.c.key, DELIVERY.c.reason)
    query = query.where(DELIVERY.c.connection == name, DELIVERY.c.key.in_(keys[:500]), DELIVERY.c.state == "parked")
    return {row.key: row.reason for row in connection.execute(query)}


def _end(connection: sa.Connection, row: ReconciliationRow, values: dict[str, Any]) -> dict[str, Any]:
    connection.execute(sa.update(RECONCILIATION).where(RECONCILIATION.c.id == row.id).values(**values))
    proved = not values["trouble"]
    if proved:  # only what joins on to what is verified proves more
        joins = sa.and_(
            SOURCE.c.connection == row.connection,
            row.since <= sa.func.coalesce(SOURCE.c.verified_to, SOURCE.c.watched_from),
            row.until > sa.func.coalesce(SOURCE.c.verified_to, SOURCE.c.watched_from),
        )
        connection.execute(sa.update(SOURCE).where(joins).values(verified_to=row.until))
    told = {"connection": row.connection, "since": row.since.isoformat(), "until": row.until.isoformat()}
    log.info("reconcile.ended", **told, **{k: v for k, v in values.items() if k != "ended_at"})
    return {**{c.name: getattr(row, c.name) for c in RECONCILIATION.columns}, **values}
