"""The intake on a real database, with a vendor that a test writes the script of."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import pytest
from tests.integration.intake.vendor import Vendor

from firstline.governor import Governor
from firstline.guard.settings import Often
from firstline.intake import source
from firstline.intake.decide import Decider, Declarations
from firstline.intake.delivery import DeliveryLog
from firstline.intake.dispatch import Dispatcher
from firstline.intake.poll import Poller
from firstline.intake.reconcile import Reconciler
from firstline.mapping import Matcher
from firstline.remediation.planning.planner import Surroundings
from firstline.settings import Budget, Intake
from firstline.store import Database
from firstline.store.lease import Leases
from firstline.store.table import EVENT

INTAKE = Intake()


class Hub:
    """The part of a hub that takes events in."""

    def __init__(
        self,
        database: Database,
        *vendors: Vendor,
        since: datetime | None = None,
        declarations: Declarations | None = None,
        storm: Often | None = None,
    ) -> None:
        self.database = database
        connectors = {vendor.connection: vendor for vendor in vendors}
        self.desk = desk = source.Desk(database, connectors)
        self.leases = Leases(database)
        database.write_now(lambda connection: source.know(connection, set(connectors)))
        declared = declarations or Declarations(Matcher(()), {})
        decider = Decider(declared, Surroundings(environment="test", connectors=connectors), "http://hub", 60)
        self.dispatcher = Dispatcher(desk, self.leases, decider, lambda: None, storm)
        self.deliveries = DeliveryLog(database, self.dispatcher.stored)
        self.governor = Governor(database, connectors, {name: Budget() for name in connectors})
        self.poller = Poller(desk, self.leases, self.deliveries, self.governor, since)
        self.reconciler = Reconciler(desk, self.poller)

    async def poll(self) -> bool:
        """One tick of the clock, and what it brought dispatched."""
        came = await self.poller.poll("vendor", INTAKE)
        await self.dispatch()
        return came

    async def dispatch(self) -> None:
        while await self.dispatcher.dispatch():
            pass

    async def reconcile(self, since: datetime, until: datetime) -> dict[str, Any]:
        """A proof, with the dispatcher at work meanwhile."""
        async with self._dispatching():
            return await self.reconciler.reconcile("vendor", since, until)

    async def reconcile_due(self) -> None:
        async with self._dispatching():
            await self.reconciler.due("vendor")

    @asynccontextmanager
    async def _dispatching(self) -> AsyncIterator[None]:
        dispatching = asyncio.create_task(self.dispatcher.run())
        try:
            yield
        finally:
            dispatching.cancel()

    def events(self) -> list[str]:
        """The ids of the events that are known, in their order."""
        rows = self.database.read_now(lambda c: c.execute(EVENT.select().order_by(EVENT.c.id)).mappings().all())
        return [row["event_id"] for row in rows]

    def source(self) -> dict[str, Any]:
        return self.database.read_now(lambda connection: source.read(connection, "vendor"))

    def die(self) -> None:
        self.leases.close()


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


@pytest.fixture
def hub(database: Database, vendor: Vendor) -> Iterator[Hub]:
    made = Hub(database, vendor)
    yield made
    made.die()
