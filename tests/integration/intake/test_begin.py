"""What begins, what is attached, what is held and what is only observed."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.integration.intake.conftest import Hub
from tests.integration.intake.vendor import Ticket, Vendor

from firstline.connector import StateChange
from firstline.incident import Reference
from firstline.intake.declared import Declared
from firstline.remediation import loop
from firstline.remediation.begin import write_back
from firstline.store import Database
from firstline.store.database import insert
from firstline.store.table import DECISION, DELIVERY, EVENT, INCIDENT, LINK, REMEDIATION, WRITE_BACK

pytestmark = pytest.mark.anyio

MAPPING = """
mappings:
  - id: mend
    on: [incident.opened, incident.updated]
    when: "true"
    runbook: mend
    mode: {mode}
    {more}
"""
RUNBOOK = """
id: mend
version: 1.0.0
title: Mend it
owner: team-test
targets: [shop]
steps:
  - name: mend
    run: ["true"]
"""

Open = Callable[..., Hub]


@pytest.fixture
def hub_with(tmp_path: Path, database: Database) -> Iterator[Open]:
    """`hub_with(vendor, ..., mode=..., more=...)`: a hub with one mapping, for these vendors."""
    opened = []

    def made(*vendors: Vendor, mode: str = "approve", more: str = "") -> Hub:
        runbook = tmp_path / "mappings" / "shop" / "runbooks" / "mend"
        runbook.mkdir(parents=True)
        (runbook / "runbook.yaml").write_text(RUNBOOK)
        (runbook.parent.parent / "mapping.yaml").write_text(MAPPING.format(mode=mode, more=more))
        hub = Hub(database, *vendors, declarations=Declared(tmp_path / "mappings", tmp_path / "state").start())
        opened.append(hub)
        return hub

    yield made
    for hub in opened:
        hub.die()


def living(connection: str = "vendor") -> Vendor:
    """A vendor whose clock is right: what is opened there is news."""
    vendor = Vendor(connection)
    vendor.now = datetime.now(UTC)
    return vendor


def rows(hub: Hub, table: Any) -> list[Any]:
    return list(hub.database.read_now(lambda c: c.execute(table.select().order_by(table.c.id)).mappings().all()))


async def test_what_is_known_too_late_is_only_observed_and_says_so(hub_with: Open) -> None:
    vendor = living()
    hub = hub_with(vendor)
    await hub.poll()
    vendor.open("late", ago=60 * 60)
    vendor.tickets["late"].changed = vendor.now
    await hub.poll()
    assert rows(hub, REMEDIATION) == []
    decision = rows(hub, DECISION)[0]
    assert (decision["outcome"], decision["mode"]) == ("matched", "observe")
    assert decision["reason"] == "only observed: known 60 min after it happened; shop/mend acts within 15 min"


async def test_a_mapping_may_still_act_later(hub_with: Open) -> None:
    vendor = living()
    hub = hub_with(vendor, more="max_age: 2h")
    await hub.poll()
    vendor.open("late", ago=60 * 60)
    vendor.tickets["late"].changed = vendor.now
    await hub.poll()
    assert len(rows(hub, REMEDIATION)) == 1


async def test_an_incident_that_is_over_when_its_opening_is_told_is_only_observed(hub_with: Open) -> None:
    vendor = living()
    hub = hub_with(vendor)
    await hub.poll()
    vendor.tickets["a"] = Ticket(id="a", opened=vendor.now, changed=vendor.now, state="resolved")
    await hub.poll()
    assert rows(hub, REMEDIATION) == []
    assert "resolved by now" in rows(hub, DECISION)[0]["reason"]


async def test_an_opening_that_comes_after_the_resolution_starts_nothing(hub_with: Open) -> None:
    vendor = living()
    hub = hub_with(vendor)
    opened = Ticket(id="a", opened=vendor.now, changed=vendor.now, version=0)
    resolved = opened.model_copy(update={"version": 4, "state": "resolved"})
    for number, ticket in enumerate((resolved, opened)):
        await hub.deliveries.append("vendor", f"hook-{number}", {}, vendor.delivery(ticket).body)
        await hub.dispatch()
    assert rows(hub, REMEDIATION) == []


async def test_an_opening_whose_resolution_waits_behind_it_starts_nothing(hub_with: Open) -> None:
    vendor = living()
    hub = hub_with(vendor)
    opened = Ticket(id="a", opened=vendor.now, changed=vendor.now, version=0)
    resolved = opened.model_copy(update={"version": 4, "state": "resolved"})
    for number, ticket in enumerate((opened, resolved)):
        await hub.deliveries.append("vendor", f"hook-{number}", {}, vendor.delivery(ticket).body)
    await hub.dispatch()
    assert rows(hub, REMEDIATION) == []


async def test_a_state_that_the_vendor_refused_has_no_echo(hub_with: Open) -> None:
    vendor = living()
    hub = hub_with(vendor, mode="observe")
    vendor.open("a")
    await hub.deliveries.append("vendor", "opened", {}, vendor.delivery(vendor.tickets["a"]).body)
    await hub.dispatch()
    reference = Reference(connection="vendor", kind="ticket", id="a")
    refused = write_back("m", "state", "state", reference, StateChange(to="resolved"))
    refused = refused.model_copy(update={"state": "parked", "attempts": 1})
    hub.database.write_now(lambda connection: insert(connection, refused))
    ticket = Ticket(id="a", opened=vendor.now, changed=vendor.now, version=2, state="resolved")
    polled = vendor.delivery(ticket)
    await hub.poller.store([polled])
    await hub.dispatch()
    assert [(row["type"], row["own"]) for row in rows(hub, EVENT)][-1] == ("incident.resolved", False)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_half_a_character_in_a_records_id_is_parked_and_holds_nothing_else(hub_with: Open) -> None:
    vendor = living()
    hub = hub_with(vendor)
    vendor.open("a")
    body = vendor.delivery(vendor.tickets["a"]).body
    await hub.deliveries.append("vendor", "odd", {}, body.replace(b'"id":"a"', b'"id":"\\ud800"'))
    await hub.deliveries.append("vendor", "well", {}, body)
    await hub.dispatch()
    assert [row["state"] for row in rows(hub, DELIVERY)] == ["parked", "done"]
    assert hub.events() == ["a:0"]


async def test_a_record_that_keeps_starting_remediations_is_held(hub_with: Open) -> None:
    vendor = living()
    hub = hub_with(vendor, mode="suggest")
    for version in range(1, loop.LIMIT + 2):
        ticket = Ticket(id="a", opened=vendor.now - timedelta(days=1), changed=vendor.now, version=version)
        await hub.deliveries.append("vendor", f"hook-{version}", {}, vendor.delivery(ticket).body)
        await hub.dispatch()
    assert len(rows(hub, REMEDIATION)) == loop.LIMIT
    assert rows(hub, DECISION)[-1]["outcome"] == "held"


async def test_a_record_that_the_vendors_integration_links_joins_the_remediation(hub_with: Open) -> None:
    pager, desk = living("pager"), living("desk")
    hub = hub_with(pager, desk)
    pager.open("P1")
    desk.tickets["T1"] = Ticket(id="T1", opened=desk.now, changed=desk.now, link="P1")
    for vendor, id_ in ((pager, "P1"), (desk, "T1")):
        await hub.deliveries.append(vendor.connection, id_, {}, vendor.delivery(vendor.tickets[id_]).body)
        await hub.dispatch()
    (remediation,) = rows(hub, REMEDIATION)
    (link,) = rows(hub, LINK)
    assert (remediation["connection"], link["connection"], link["record"]) == ("pager", "desk", "ticket:T1")
    assert [row["outcome"] for row in rows(hub, DECISION)] == ["matched", "attached"]
    assert [row["connection"] for row in rows(hub, WRITE_BACK) if row["key"].count("attached")] == ["desk"]


async def test_a_linked_record_is_attached_once_however_often_it_changes(hub_with: Open) -> None:
    pager, desk = living("pager"), living("desk")
    hub = hub_with(pager, desk)
    pager.open("P1")
    await hub.deliveries.append("pager", "P1", {}, pager.delivery(pager.tickets["P1"]).body)
    for version in range(3):
        ticket = Ticket(id="T1", opened=desk.now, changed=desk.now, link="P1", version=version)
        await hub.deliveries.append("desk", f"T1-{version}", {}, desk.delivery(ticket).body)
        await hub.dispatch()
    assert len(rows(hub, REMEDIATION)) == len(rows(hub, LINK)) == 1


async def test_records_that_correlate_get_one_remediation(hub_with: Open) -> None:
    one, other = living("one"), living("other")
    hub = hub_with(one, other, more='correlate: "${{ incident.title }}"')
    for vendor in (one, other):
        vendor.open("7")  # by its id alone it would not be the same
        await hub.deliveries.append(vendor.connection, "7", {}, vendor.delivery(vendor.tickets["7"]).body)
        await hub.dispatch()
    assert len(rows(hub, REMEDIATION)) == 1
    assert [row["connection"] for row in rows(hub, LINK)] == ["other"]


@pytest.mark.parametrize(
    ("database_url", "ids", "number"),
    [("postgresql", ("a", "b"), "INC0000001"), ("sqlite", ("10001", "10001"), "")],
    indirect=["database_url"],
)
async def test_what_two_instances_of_one_system_both_count_to_is_not_the_same_fault(
    hub_with: Open, ids: tuple[str, str], number: str
) -> None:
    one, other = living("one"), living("other")
    hub = hub_with(one, other)
    for vendor, id_ in zip((one, other), ids, strict=True):
        vendor.tickets[id_] = Ticket(id=id_, opened=vendor.now, changed=vendor.now, number=number)
        await hub.deliveries.append(vendor.connection, id_, {}, vendor.delivery(vendor.tickets[id_]).body)
        await hub.dispatch()
    assert len(rows(hub, REMEDIATION)) == 2
    assert rows(hub, LINK) == []


async def test_twins_in_one_batch_get_one_remediation(hub_with: Open) -> None:
    pager, desk = living("pager"), living("desk")
    hub = hub_with(pager, desk)
    pager.open("P1")
    desk.tickets["T1"] = Ticket(id="T1", opened=desk.now, changed=desk.now, link="P1")
    for vendor, id_ in ((pager, "P1"), (desk, "T1")):
        await hub.deliveries.append(vendor.connection, id_, {}, vendor.delivery(vendor.tickets[id_]).body)
    await hub.dispatch()
    assert len(rows(hub, REMEDIATION)) == 1
    assert len(rows(hub, LINK)) == 1


async def test_a_twin_that_comes_after_the_end_is_told_how_it_ended(hub_with: Open) -> None:
    pager, desk = living("pager"), living("desk")
    hub = hub_with(pager, desk, more="resolve: false")
    pager.open("P1")
    await hub.deliveries.append("pager", "P1", {}, pager.delivery(pager.tickets["P1"]).body)
    await hub.dispatch()
    ended = REMEDIATION.update().values(ended_at=datetime.now(UTC), outcome="proved", active_key=None)
    hub.database.write_now(lambda connection: connection.execute(ended))
    desk.tickets["T1"] = Ticket(id="T1", opened=desk.now, changed=desk.now, link="P1")
    await hub.deliveries.append("desk", "T1", {}, desk.delivery(desk.tickets["T1"]).body)
    await hub.dispatch()
    assert len(rows(hub, REMEDIATION)) == 1
    assert rows(hub, WRITE_BACK)[-1]["body"]["headline"] == "Firstline: the same fault: mended, and proved"


async def test_a_known_event_in_a_fuller_shape_still_brings_the_newer_view(hub_with: Open) -> None:
    vendor = living()
    hub = hub_with(vendor)
    ticket = Ticket(id="a", opened=vendor.now, changed=vendor.now)
    for number, shape in enumerate((ticket, ticket.model_copy(update={"number": "INC7", "view": 3}))):
        await hub.deliveries.append("vendor", f"hook-{number}", {}, vendor.delivery(shape).body)
        await hub.dispatch()
    (view,) = hub.database.read_now(lambda c: c.execute(INCIDENT.select()).mappings().all())
    assert (view["version"], view["incident"]["reference"]["number"]) == (3, "INC7")
