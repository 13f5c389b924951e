"""Takes stored deliveries in their order, says what they tell, and decides. One process at a time does it, so that the
order of a record's events is kept; another takes over when it dies."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import sqlalchemy as sa
import structlog

from firstline.connector import Connector
from firstline.errors import FirstlineError
from firstline.guard.settings import Often
from firstline.incident import Event
from firstline.intake import source
from firstline.intake.decide import Decider
from firstline.intake.record import Read, record
from firstline.intake.sight import Known, key_of, look, refined
from firstline.remediation.autonomy import policy
from firstline.remediation.received import received
from firstline.remediation.runner import wait
from firstline.store.database import passing
from firstline.store.lease import Leases
from firstline.store.table import DELIVERY

log = structlog.get_logger()

LEASE = "dispatch"
POURING = 300.0  # deliveries a second, from which on webhooks pour in
LOOK = 0.5  # seconds between two looks for what another process has stored
LONGEST = 2.0  # seconds that deciding gives way at a time
BATCH = 32
SHARE = 0.05  # of the time that deciding takes while webhooks pour in: they have to be answered within seconds


@dataclass(frozen=True)
class Told:
    """A delivery, translated; or why it is of no use."""

    row: Any
    events: Sequence[Event] = ()
    reason: str = ""


class Dispatcher:
    def __init__(
        self,
        vendors: source.Vendors,
        leases: Leases,
        decider: Decider,
        began_some: Callable[[], None],
        storm: Often | None = None,
    ) -> None:
        """`began_some` is called when remediations began: there is work, and there are notes to write. `storm`: as
        `guards.storm` says how many at once are one."""
        self._storm = storm
        self._vendors = vendors
        self._began_some = began_some
        self._leases = leases
        self._decider = decider
        self._began = 0.0
        self._arrivals = 0
        self.arrived = asyncio.Event()

    async def run(self) -> None:
        """Dispatch for ever."""
        while True:
            try:
                # Asked for each batch: who slept may have lost it.
                while await asyncio.to_thread(self._leases.take, LEASE) and await self.dispatch():
                    await self._give_way()
            except sa.exc.DBAPIError:
                log.exception("dispatch.database")
            await wait(self.arrived, LOOK)

    def stored(self, count: int) -> None:
        """So many deliveries were stored; called after each commit."""
        self._arrivals += count
        self.arrived.set()

    async def _give_way(self) -> None:
        """Leave most of the time to webhooks while they pour in; none is lost by waiting, one may be by a time-out."""
        took = time.monotonic() - self._began
        if self._arrivals / took > POURING:
            await asyncio.sleep(min(took * (1 - SHARE) / SHARE, LONGEST))

    async def dispatch(self) -> int:
        """Dispatch the next batch; gives how many deliveries it had."""
        self._began, self._arrivals = time.monotonic(), 0
        rows = await self._vendors.database.read(_next)
        if not rows:
            return 0
        told = [self._translate(row) for row in rows]
        events = [event for one in told for event in one.events]
        known = await self._vendors.database.read(partial(look, events=events)) if events else Known()
        standing = await self._vendors.database.read(policy.read) if events else policy.Policy()
        read = []
        for one in told:
            read.append(self._decide(one, known, standing))
            await asyncio.sleep(0)  # let webhooks in between
        if await self._record(read):
            self._began_some()
        return len(rows)

    async def _record(self, read: list[Read]) -> int:
        """Write down a batch. What the database refuses for its content is parked alone, and holds no other."""
        try:
            return await self._vendors.database.write(lambda connection: record(connection, read, self._storm))
        except Exception as error:
            if passing(error):
                raise
            if len(read) > 1:
                return sum([await self._record([one]) for one in read])
            log.exception("dispatch.not_recorded", delivery=read[0].delivery_id)
            parked = [
                Read(read[0].delivery_id, reason=f"can't be written down: {type(error).__name__}: {_cause(error)}")
            ]
        return await self._vendors.database.write(lambda connection: record(connection, parked))

    def _translate(self, row: Any) -> Told:
        try:
            return Told(row, _events(self._vendors.connector(row["connection"]), row))
        except FirstlineError as error:
            return Told(row, reason=str(error))
        except Exception as error:  # a defect parks this delivery and lets the others through
            log.exception("dispatch.defect", delivery=row["id"])
            return Told(row, reason=f"a defect of the connector: {type(error).__name__}: {error}")

    def _decide(self, told: Told, known: Known, standing: policy.Policy) -> Read:
        row = told.row
        if told.reason:
            return Read(row["id"], reason=told.reason)
        events = [refined(event, known, polled=row["polled"]) for event in told.events]
        known.tell(events)
        decided = [
            self._decider.decide(event, row["connection"], known, row["received_at"], standing) for event in events
        ]
        return Read(row["id"], polled=row["polled"], decided=decided)


def _cause(error: Exception) -> str:
    """The driver's words, in characters that can be kept whatever they quote."""
    return str(getattr(error, "orig", None) or error).encode("ascii", "backslashreplace").decode()


def _next(connection: sa.Connection) -> Sequence[Any]:
    new = sa.select(DELIVERY).where(DELIVERY.c.state == "new").order_by(DELIVERY.c.id).limit(BATCH)
    return connection.execute(new).mappings().all()


def _events(connector: Connector[Any], row: Any) -> Sequence[Event]:
    events = connector.translate(received(row))
    for event in events:
        "".join(key_of(event) or ()).encode()  # half a character in it would fail the look for the whole batch
    return events
