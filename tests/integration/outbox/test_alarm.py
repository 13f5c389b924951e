"""What needs a person calls one, once, and says when it no longer does."""

from collections.abc import Awaitable, Callable

import pytest
import sqlalchemy as sa
from tests.integration.outbox.conftest import NAME, PAGER, Outbox, Vendor, noted

from firstline.connector import Alarm
from firstline.governor import alarm, connection
from firstline.outbox import writeback
from firstline.store.table import WRITE_BACK, now

pytestmark = pytest.mark.anyio


async def park(outbox: Outbox, vendor: Vendor) -> str:
    vendor.trouble = [(400, {})]
    row = noted("a")
    outbox.put(row)
    await outbox.send()
    return row.id


async def retry(outbox: Outbox, id_: str) -> bool:
    return await writeback.retry(outbox.context, id_, "ada")


async def discard(outbox: Outbox, id_: str) -> bool:
    return await writeback.discard(outbox.context, id_, "ada", "told by phone")


async def test_a_refused_write_calls_a_person_with_the_vendors_words(
    outbox: Outbox, vendor: Vendor, pager: Vendor
) -> None:
    await park(outbox, vendor)
    (raised,) = pager.of("alarm")
    assert (raised["key"], raised["resolved"]) == (f"parked.{NAME}", False)
    assert "INC0001" in raised["summary"]
    assert "as asked" in raised["summary"]


@pytest.mark.parametrize(("take_up", "state"), [(retry, "done"), (discard, "discarded")])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_alarm_ends_when_a_person_takes_the_write_up(
    outbox: Outbox,
    vendor: Vendor,
    pager: Vendor,
    take_up: Callable[[Outbox, str], Awaitable[bool]],
    state: str,
) -> None:
    id_ = await park(outbox, vendor)
    assert await take_up(outbox, id_)
    assert not await take_up(outbox, id_)
    outbox.clock.forward(1)
    await outbox.send()
    assert [one["resolved"] for one in pager.of("alarm")] == [False, True]
    assert [row["state"] for row in outbox.rows(id=id_)] == [state]
    assert len(outbox.told("took up")) == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_connection_that_refuses_everything_calls_once_until_all_is_taken_up(
    outbox: Outbox, vendor: Vendor, pager: Vendor
) -> None:
    vendor.trouble = [(403, {})] * 9
    outbox.put(*(noted(f"m{n}", number=n) for n in range(9)))
    await outbox.send()
    assert len(pager.of("alarm")) == 1
    for row in outbox.rows(state="parked"):
        assert not pager.of("alarm")[-1]["resolved"]
        await discard(outbox, row["id"])
    outbox.clock.forward(1)
    await outbox.send()
    assert [one["resolved"] for one in pager.of("alarm")] == [False, True]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_who_closed_the_alarm_and_left_the_writes_is_called_again_by_the_next(
    outbox: Outbox, vendor: Vendor, pager: Vendor
) -> None:
    await park(outbox, vendor)
    long_ago = sa.update(WRITE_BACK).where(WRITE_BACK.c.act == "alarm").values(due_at=now() - alarm.AGAIN)
    outbox.database.write_now(lambda connection: connection.execute(long_ago))
    vendor.trouble = [(400, {})]
    outbox.put(noted("b"))
    await outbox.send()
    assert [one["resolved"] for one in pager.of("alarm")] == [False, False]


async def test_a_paused_connection_calls_a_person_until_it_is_resumed(outbox: Outbox, pager: Vendor) -> None:
    for _ in range(2):
        await outbox.governor.pause(NAME, "the token is refused")
    await outbox.send()
    (raised,) = pager.of("alarm")
    assert (raised["key"], raised["severity"]) == (f"paused.{NAME}", "critical")
    assert await outbox.governor.resume(NAME)
    outbox.clock.forward(1)
    await outbox.send()
    assert [one["resolved"] for one in pager.of("alarm")] == [False, True]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_there_is_no_alarm_about_an_alarm_nor_about_the_pager(
    outbox: Outbox, vendor: Vendor, pager: Vendor
) -> None:
    pager.trouble = [(400, {})]
    await park(outbox, vendor)
    await outbox.send()
    await outbox.governor.pause(PAGER, "the key is refused")
    assert [row["state"] for row in outbox.rows(act="alarm")] == ["parked"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_an_alarm_goes_before_what_else_waits(outbox: Outbox, pager: Vendor) -> None:
    outbox.put(*(noted(f"m{n}", number=n, connection=PAGER) for n in range(8)))
    outbox.database.write_now(lambda c: alarm.call(c, PAGER, Alarm(key="k", summary="look")))
    outbox.leases.take("write-back")
    await outbox.write_back.send_due()
    await outbox.write_back.idle()
    assert len(pager.of("alarm")) == 1
    assert len(pager.of("note")) == 3


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_change_that_goes_live_is_announced_once(outbox: Outbox, pager: Vendor) -> None:
    for _ in range(2):
        outbox.database.write_now(lambda c: alarm.announce(c, PAGER, "a", "CHG1: restart", "https://hub"))
    await outbox.send()
    assert [one["summary"] for one in pager.of("announcement")] == ["CHG1: restart"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_only_the_restart_of_the_only_hub_lifts_pauses(outbox: Outbox, pager: Vendor) -> None:
    await outbox.governor.pause(NAME, "the token is refused")
    outbox.database.write_now(lambda c: connection.know(c, [NAME, PAGER, "new"], PAGER, alone=False))
    assert outbox.standing().paused
    outbox.database.write_now(lambda c: connection.know(c, [NAME, PAGER], PAGER, alone=True))
    assert not outbox.standing().paused
    await outbox.send()
    assert [one["resolved"] for one in pager.of("alarm")] == [False, True]
