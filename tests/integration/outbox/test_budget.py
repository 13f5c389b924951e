"""One budget of requests for a connection, shared by all processes."""

import pytest
import sqlalchemy as sa
from tests.integration.outbox.conftest import NAME, Open, Outbox, Vendor, noted

from firstline.governor import Governor, Priority
from firstline.meter import Quota
from firstline.settings import Budget
from firstline.store import Database
from firstline.store.table import BUDGET

pytestmark = pytest.mark.anyio


def spend(outbox: Outbox, requests: int) -> None:
    for _ in range(requests):
        outbox.context.connections[NAME].meter.sent()


async def test_what_one_process_asks_the_other_knows(database: Database, outbox: Outbox, opened: Open) -> None:
    other = opened(database)
    outbox.context.connections[NAME].meter.told(Quota(limit=100, window=3600.0))
    spend(outbox, 50)
    await outbox.governor.admit(NAME, Priority.WRITE)
    spend(other, 45)
    assert await other.governor.admit(NAME, Priority.WRITE) > 0
    outbox.clock.forward(2)
    assert await outbox.governor.admit(NAME, Priority.WRITE) > 0
    assert await outbox.governor.admit(NAME, Priority.INTERACTIVE) == 0


async def test_the_operators_limit_holds_where_the_vendor_tells_none(database: Database, outbox: Outbox) -> None:
    connectors = outbox.context.connections
    governor = Governor(
        database, connectors, {NAME: Budget.model_validate({"requests": 10, "per": "1m"})}, clock=outbox.clock
    )
    spend(outbox, 9)
    assert 0 < await governor.admit(NAME, Priority.WRITE) <= 60
    outbox.clock.forward(60)
    assert await governor.admit(NAME, Priority.BULK) == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_is_not_let_in_is_written_in_the_next_window(outbox: Outbox, vendor: Vendor) -> None:
    vendor.limit = 100
    outbox.put(*(noted(f"m{number}", number=number) for number in range(110)))
    await outbox.send()
    assert 0 < len(vendor.of("note")) < 110
    for _ in range(3):
        outbox.clock.forward(3600)
        await outbox.send()
    assert len(vendor.of("note")) == 110
    assert vendor.refused == 0


async def test_what_was_left_long_ago_does_not_bind_the_next_window(outbox: Outbox) -> None:
    async with outbox.governor.asking(NAME, Priority.WRITE):
        outbox.context.connections[NAME].meter.told(Quota(limit=100, remaining=0, window=60.0))
    outbox.clock.forward(61)
    assert await outbox.governor.admit(NAME, Priority.BULK) == 0


async def test_requests_cost_no_statement_each(database: Database, outbox: Outbox) -> None:
    outbox.clock.stop()
    await outbox.governor.admit(NAME, Priority.WRITE)
    statements: list[str] = []
    sa.event.listen(database.engine, "before_cursor_execute", lambda *told: statements.append(told[2]))
    for _ in range(50):
        outbox.context.connections[NAME].meter.sent()
        assert await outbox.governor.admit(NAME, Priority.WRITE) == 0
    assert statements == []


async def test_nothing_asked_stays_uncounted(database: Database, outbox: Outbox) -> None:
    await outbox.governor.admit(NAME, Priority.WRITE)
    spend(outbox, 7)
    await outbox.write_back.close()
    total = sa.select(BUDGET.c.total).where(BUDGET.c.connection == NAME)
    assert database.read_now(lambda connection: connection.scalar(total)) == 7
