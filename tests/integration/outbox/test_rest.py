"""A connection in trouble rests as a whole, and is tried by one request before the others."""

from datetime import timedelta

import pytest
from tests.integration.outbox.conftest import NAME, Open, Outbox, Vendor, noted

from firstline.errors import Unavailable
from firstline.governor import Priority
from firstline.store import Database

pytestmark = pytest.mark.anyio


async def test_a_dead_vendor_is_not_asked_once_for_each_write(outbox: Outbox, vendor: Vendor) -> None:
    vendor.trouble = [(503, {})] * 1000
    outbox.put(*(noted(f"m{number}", number=number) for number in range(300)))
    await outbox.send()
    assert vendor.requests == 4
    assert outbox.standing().failures == 4
    for probes in range(1, 4):
        outbox.clock.forward(400)
        await outbox.send()
        assert vendor.requests == 4 + probes


async def test_when_it_answers_again_all_is_written(outbox: Outbox, vendor: Vendor) -> None:
    vendor.trouble = [(503, {})] * 5
    outbox.put(*(noted(f"m{number}", number=number) for number in range(12)))
    for _ in range(4):
        await outbox.send()
        outbox.clock.forward(400)
    await outbox.send()
    assert len(vendor.of("note")) == 12
    assert not outbox.standing().troubled


async def test_the_wait_that_a_vendor_asks_for_holds_the_whole_connection(outbox: Outbox, vendor: Vendor) -> None:
    vendor.trouble = [(429, {"Retry-After": "600"})]
    outbox.put(noted("a", number=1))
    await outbox.send()
    outbox.put(noted("b", number=2))
    outbox.clock.forward(500)
    assert await outbox.send() == 0
    assert await outbox.governor.admit(NAME, Priority.INTERACTIVE) > 60
    outbox.clock.forward(101)
    await outbox.send()
    assert len(vendor.of("note")) == 2


async def test_after_a_rest_one_process_tries_and_the_others_wait(
    database: Database, outbox: Outbox, opened: Open
) -> None:
    other = opened(database)
    with pytest.raises(Unavailable):
        async with outbox.governor.asking(NAME, Priority.WRITE):
            raise Unavailable("not now", retry_after=30)
    outbox.clock.forward(31)
    assert await outbox.governor.admit(NAME, Priority.WRITE) == 0
    assert await other.governor.admit(NAME, Priority.INTERACTIVE) > 0
    await outbox.governor.succeeded(NAME)
    outbox.clock.forward(1)
    assert await other.governor.admit(NAME, Priority.WRITE) == 0


async def test_who_tries_after_a_rest_and_dies_holds_it_no_longer(
    database: Database, outbox: Outbox, opened: Open
) -> None:
    other = opened(database)
    await outbox.governor.failed(NAME, Unavailable("not now", retry_after=30))
    outbox.clock.forward(31)
    assert await outbox.governor.admit(NAME, Priority.WRITE) == 0
    outbox.clock.forward(41)
    assert await other.governor.admit(NAME, Priority.WRITE) == 0


async def test_a_single_failure_rests_nothing(outbox: Outbox) -> None:
    await outbox.governor.failed(NAME, Unavailable("reset"))
    assert outbox.standing().rests_until is None
    assert await outbox.governor.admit(NAME, Priority.BULK) == 0


async def test_what_was_under_way_when_the_rest_began_does_not_lengthen_it(outbox: Outbox) -> None:
    for _ in range(4):
        await outbox.governor.failed(NAME, Unavailable("down"))
    rest = outbox.standing()
    await outbox.governor.failed(NAME, Unavailable("down"))
    assert outbox.standing() == rest
    assert rest.rests_until is not None
    assert rest.rests_until < outbox.clock() + timedelta(seconds=2)


async def test_a_refusal_is_an_answer(outbox: Outbox, vendor: Vendor) -> None:
    vendor.trouble = [(503, {}), (400, {})]
    outbox.put(noted("a"))
    await outbox.send()
    outbox.clock.forward(10)
    await outbox.send()
    assert not outbox.standing().troubled
    assert outbox.rows(state="parked")
