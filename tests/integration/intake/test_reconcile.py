"""The completeness proof."""

from datetime import timedelta

import pytest
from tests.integration.intake.conftest import Hub
from tests.integration.intake.vendor import START, Vendor

from firstline.errors import Rejected, Unavailable
from firstline.intake import source
from firstline.intake.reconcile import SETTLED, sentence
from firstline.store.table import RECONCILIATION, now

pytestmark = pytest.mark.anyio

DAY = timedelta(days=1)
BEGIN, END = START - DAY, START + DAY


async def test_nothing_missing_is_proved_and_said(hub: Hub, vendor: Vendor) -> None:
    await hub.poll()
    vendor.open("a", "b", "c")
    await hub.poll()
    row = await hub.reconcile(BEGIN, END)
    assert (row["there"], row["seen"], row["fetched"], row["trouble"]) == (3, 3, 0, "")
    said = "vendor, 2026-02-28 12:00 to 2026-03-02 12:00 UTC: 3 there, 3 seen, 0 missing, verified to 12:00"
    assert sentence(row) == said


async def test_what_is_missing_is_brought(hub: Hub, vendor: Vendor) -> None:
    vendor.open("a", "b", "c")
    await hub.deliveries.append("vendor", "hook", {}, vendor.delivery(vendor.tickets["b"]).body)
    await hub.dispatch()
    row = await hub.reconcile(BEGIN, END)
    assert (row["there"], row["seen"], row["fetched"]) == (3, 1, 2)
    assert sorted(hub.events()) == ["a:0", "b:0", "c:0"]
    assert "3 seen (2 brought now), 0 missing" in sentence(row)


async def test_what_two_pages_show_counts_once(hub: Hub, vendor: Vendor) -> None:
    vendor.open("a", "b", "c")
    vendor.again, vendor.hidden = 1, 1
    row = await hub.reconcile(BEGIN, END)
    assert (row["there"], row["seen"], row["fetched"], row["hidden"]) == (3, 0, 3, 1)


async def test_only_the_period_counts(hub: Hub, vendor: Vendor) -> None:
    vendor.open("before", ago=100)
    vendor.open("in")
    row = await hub.reconcile(START, END)
    assert (row["there"], hub.events()) == (1, ["in:0"])


async def test_a_record_that_can_not_be_used_is_missing_with_its_reason(hub: Hub, vendor: Vendor) -> None:
    vendor.open("a", "b")
    vendor.tickets["b"].readable = False
    row = await hub.reconcile(BEGIN, END)
    assert "b: can't be read" in row["trouble"]
    assert "1 missing; not proved" in sentence(row)


async def test_rows_that_access_rules_hide_are_no_proof(hub: Hub, vendor: Vendor) -> None:
    vendor.open("a")
    vendor.hidden = 2
    row = await hub.reconcile(BEGIN, END)
    assert row["hidden"] == 2
    assert "access rules hide" in row["trouble"]
    assert hub.source()["verified_to"] is None


async def test_a_short_wait_is_waited_for(hub: Hub, vendor: Vendor) -> None:
    vendor.open("a")
    vendor.errors = [Unavailable("busy", retry_after=0.01)]
    row = await hub.reconcile(BEGIN, END)
    assert (row["there"], row["trouble"]) == (1, "")


async def test_a_vendor_that_is_down_proves_nothing(hub: Hub, vendor: Vendor) -> None:
    vendor.errors = [Unavailable("down", retry_after=3600)]
    row = await hub.reconcile(BEGIN, END)
    assert "down" in row["trouble"]


async def test_proofs_that_join_on_move_what_is_verified_and_others_do_not(hub: Hub, vendor: Vendor) -> None:
    await hub.poll()
    vendor.open("a")
    await hub.reconcile(START + timedelta(hours=2), START + timedelta(hours=3))
    assert hub.source()["verified_to"] is None
    await hub.reconcile(START, START + timedelta(hours=1))
    assert hub.source()["verified_to"] == START + timedelta(hours=1)
    await hub.reconcile(START + timedelta(minutes=30), START + timedelta(hours=4))
    assert hub.source()["verified_to"] == START + timedelta(hours=4)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_may_still_be_on_its_way_is_not_called_verified(hub: Hub, vendor: Vendor) -> None:
    begin = now() - DAY
    hub.database.write_now(lambda c: source.note(c, "vendor", watched_from=begin))
    row = await hub.reconcile(begin, now() + DAY)
    assert hub.source()["verified_to"] == row["began_at"] - SETTLED
    assert sentence(row).endswith(f"verified to {row['began_at'] - SETTLED:%H:%M}")
    assert sentence(await hub.reconcile(now(), now() + DAY)).endswith("too new to be verified")


async def test_a_proof_that_was_cut_short_says_so(hub: Hub) -> None:
    row = await hub.reconcile(BEGIN, END)
    assert sentence({**row, "ended_at": None}).endswith("not ended")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_was_found_missing_is_kept_though_the_count_does_not_end(hub: Hub, vendor: Vendor) -> None:
    vendor.open("a", "b", "c")
    vendor.errors = [None, Rejected("no second page")]
    row = await hub.reconcile(BEGIN, END)
    await hub.dispatch()
    assert "no second page" in row["trouble"]
    assert hub.events() == ["a:0", "b:0"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_secret_in_the_vendors_words_is_masked_in_the_answer_too(hub: Hub, vendor: Vendor) -> None:
    vendor.errors = [Rejected("no: password=hunter2hunter2")]
    row = await hub.reconcile(BEGIN, END)
    assert "hunter2" not in sentence(row)


def periods(hub: Hub) -> int:
    return len(hub.database.read_now(lambda c: c.execute(RECONCILIATION.select()).all()))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_long_period_is_proved_a_day_at_a_time(hub: Hub, vendor: Vendor) -> None:
    hub.database.write_now(lambda c: source.note(c, "vendor", watched_from=now() - 3.5 * DAY))
    vendor.now = now()
    vendor.open("a", ago=3 * 86400)
    await hub.reconcile_due()
    assert periods(hub) == 4
    assert hub.source()["verified_to"] > now() - 2 * SETTLED
    assert hub.events() == ["a:0"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_day_that_can_not_be_proved_does_not_hide_what_is_new(hub: Hub, vendor: Vendor) -> None:
    hub.database.write_now(lambda c: source.note(c, "vendor", watched_from=now() - 5 * DAY))
    vendor.now = now()
    vendor.open("odd", ago=4.5 * 86400)
    vendor.tickets["odd"].readable = False
    vendor.open("new", ago=3600)
    await hub.reconcile_due()
    assert (periods(hub), hub.source()["verified_to"]) == (2, None)
    assert hub.events() == ["new:0"]
