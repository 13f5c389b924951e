"""What polling brings, and what it does not lose."""

from datetime import UTC, datetime, timedelta

import anyio
import pytest
from tests.integration.intake.conftest import INTAKE, Hub
from tests.integration.intake.vendor import START, Ticket, Vendor

from firstline.errors import Unauthorized, Unavailable
from firstline.intake import source
from firstline.store import Database

pytestmark = pytest.mark.anyio


async def test_the_first_poll_is_from_now_by_the_vendors_clock(hub: Hub, vendor: Vendor) -> None:
    vendor.open("old", ago=30)
    await hub.poll()
    vendor.now += timedelta(seconds=10)
    vendor.open("new")
    await hub.poll()
    assert hub.events() == ["new:0"]
    assert hub.source()["watched_from"] == START


async def test_the_first_poll_is_from_a_given_time_where_the_operator_says_so(
    database: Database, vendor: Vendor
) -> None:
    vendor.open("older", ago=7200)
    vendor.open("old", ago=1800)
    hub = Hub(database, vendor, since=START - timedelta(hours=1))
    await hub.poll()
    assert hub.events() == ["old:0"]
    hub.die()


async def test_what_was_opened_before_the_first_poll_that_succeeds_is_brought(hub: Hub, vendor: Vendor) -> None:
    vendor.now = datetime.now(UTC)
    vendor.errors = [Unavailable("down")]
    await hub.poll()
    vendor.open("a")
    vendor.now += timedelta(minutes=1)
    await hub.poll()
    assert hub.events() == ["a:0"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_first_poll_of_a_verified_connection_joins_on_to_its_proofs(hub: Hub, vendor: Vendor) -> None:
    month = START - timedelta(days=30)
    hub.database.write_now(lambda c: source.note(c, "vendor", watched_from=month, verified_to=START))
    vendor.open("proved", ago=3600)
    vendor.now += timedelta(hours=3)
    vendor.open("since", ago=3600)
    await hub.poll()
    assert hub.events() == ["since:0"]
    assert hub.source()["watched_from"] == month


async def test_what_is_told_by_two_polls_is_one_event(hub: Hub, vendor: Vendor) -> None:
    await hub.poll()
    vendor.open("a")
    await hub.poll()
    await hub.poll()
    assert hub.events() == ["a:0"]


async def test_rows_of_one_second_are_all_brought_however_many_pages_they_fill(hub: Hub, vendor: Vendor) -> None:
    await hub.poll()
    vendor.open(*(f"t{number}" for number in range(7)))
    await hub.poll()
    assert sorted(hub.events()) == [f"t{number}:0" for number in range(7)]


async def test_a_row_that_is_written_late_is_brought_by_the_overlap(hub: Hub, vendor: Vendor) -> None:
    await hub.poll()
    vendor.now += timedelta(seconds=200)
    vendor.open("a")
    await hub.poll()
    vendor.open("late", ago=90)
    await hub.poll()
    assert hub.events() == ["a:0", "late:0"]


async def test_a_clock_of_ours_that_runs_ahead_loses_nothing(hub: Hub, vendor: Vendor) -> None:
    """The vendor's clock is years behind ours here, and its time is all that counts."""
    for number in range(3):
        await hub.poll()
        vendor.now += timedelta(seconds=60)
        vendor.open(f"t{number}")
    await hub.poll()
    assert hub.events() == ["t0:0", "t1:0", "t2:0"]


async def test_an_outage_of_a_day_comes_in_afterwards_and_is_marked_late(hub: Hub, vendor: Vendor) -> None:
    await hub.poll()
    vendor.errors = [Unavailable("down")] * 3
    for number in range(3):
        vendor.now += timedelta(hours=8)
        vendor.open(f"t{number}")
        assert not await hub.poll()
    assert "down" in hub.source()["trouble"]
    await hub.poll()
    assert hub.events() == ["t0:0", "t1:0", "t2:0"]
    assert hub.source()["trouble"] == ""


async def test_a_poll_that_breaks_off_between_pages_is_gone_on_with_by_the_next_process(
    database: Database, vendor: Vendor
) -> None:
    first = Hub(database, vendor)
    await first.poll()
    vendor.open(*(f"t{number}" for number in range(5)))
    vendor.errors = [None, Unavailable("reset")]
    await first.poll()
    first.die()
    second = Hub(database, vendor)
    await second.poll()
    assert sorted(second.events()) == [f"t{number}:0" for number in range(5)]
    second.die()


async def test_one_process_polls_a_connection_and_another_takes_over_when_it_dies(
    database: Database, vendor: Vendor
) -> None:
    first, second = Hub(database, vendor), Hub(database, vendor)
    assert await first.poller.poll("vendor", INTAKE)
    assert not await second.poller.poll("vendor", INTAKE)
    first.die()
    with anyio.fail_after(20):  # the server may take a moment to see that the first one's session is over
        while not await second.poller.poll("vendor", INTAKE):
            pass
    second.die()


async def test_a_refused_sign_in_pauses_the_connection_and_it_is_asked_no_more(hub: Hub, vendor: Vendor) -> None:
    from firstline.governor import connection as connections

    hub.database.write_now(lambda c: connections.know(c, ["vendor"], "", alone=True))
    vendor.errors = [Unauthorized("no")]
    await hub.poll()
    asked = len(vendor.asked)
    await hub.poll()
    assert len(vendor.asked) == asked
    assert "paused" in hub.source()["trouble"]


async def test_what_a_webhook_brought_first_is_not_an_event_again(hub: Hub, vendor: Vendor) -> None:
    await hub.poll()
    vendor.open("a")
    pushed = vendor.delivery(vendor.tickets["a"])
    await hub.deliveries.append("vendor", "hook-1", {}, pushed.body)
    await hub.poll()
    assert hub.events() == ["a:0"]


async def test_a_record_that_changed_before_it_was_seen_tells_its_opening_too(hub: Hub, vendor: Vendor) -> None:
    await hub.poll()
    vendor.tickets["a"] = Ticket(id="a", opened=START, changed=START, version=3)
    await hub.poll()
    assert hub.events() == ["a:0", "a:3"]
