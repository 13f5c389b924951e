"""Change requests in a stand-in instance: opened once, walked through their states, never approved by us."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from connectors.servicenow.tests.stage import CI, INCIDENT, TEMPLATE
from connectors.servicenow.tests.wire import broken

from firstline.connector import ChangeDraft, Evidence
from firstline.errors import Rejected, Unavailable
from firstline.incident import Reference

pytestmark = pytest.mark.anyio

START = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
DONE = Evidence(notes="It answers again.", result="successful", work_start=START, work_end=START + timedelta(minutes=1))


def draft(**more: Any) -> ChangeDraft:
    given: dict[str, Any] = {
        "key": "rem-1",
        "type": "standard",
        "template": "Restart web process",
        "short_description": "Restart the shop",
        "ci": "shop",
        "planned_start": START,
        "planned_end": START + timedelta(minutes=10),
        "tried": False,
    }
    return ChangeDraft.model_validate(given | more)


def normal(**more: Any) -> ChangeDraft:
    return draft(type="normal", template="", **more)


async def change(person: Any, reference: Reference) -> dict[str, str]:
    found: dict[str, str] = (await person.get(f"/api/now/table/change_request/{reference.id}")).json()["result"]
    return found


async def notes(person: Any, reference: Reference) -> str:
    tables = (await person.get("/sandbox/state")).json()["tables"]
    return "\n".join(e["value"] for e in tables["sys_journal_field"] if e["element_id"] == reference.id)


async def asked(person: Any) -> int:
    total: int = (await person.get("/sandbox/state")).json()["requests"]["total"]
    return total


async def test_a_standard_change_is_opened_from_the_template_of_that_name(
    connect: Any, address: str, person: Any
) -> None:
    opened = await connect(address).open(draft())
    assert opened.kind == "change_request"
    assert opened.number.startswith("CHG")
    row = await change(person, opened)
    assert (row["type"], row["description"], row["short_description"]) == (
        "standard",
        "By template.",
        "Restart the shop",
    )
    assert (row["correlation_id"], row["correlation_display"]) == ("rem-1", "Firstline")
    assert row["cmdb_ci"]["value"] == CI  # type: ignore[index]
    assert row["start_date"] == "2026-11-23 02:00:00"


async def test_what_the_template_would_swallow_stands_in_the_work_notes(
    connect: Any, address: str, person: Any
) -> None:
    opened = await connect(address).open(draft(description="Why it is due.", backout_plan="Start the old one."))
    told = await notes(person, opened)
    assert "Description:\nWhy it is due." in told
    assert "Backout plan:\nStart the old one." in told


async def test_a_template_and_an_item_may_be_given_by_sys_id(connect: Any, address: str, person: Any) -> None:
    await connect(address).open(draft(template=TEMPLATE, ci=CI))
    assert await asked(person) == 1


async def test_a_template_that_nobody_has_is_rejected_by_name(connect: Any, address: str) -> None:
    with pytest.raises(Rejected, match="'Reboot the moon' was not found"):
        await connect(address).open(draft(template="Reboot the moon"))


async def test_templates_that_cant_be_looked_up_are_set(connect: Any, address: str) -> None:
    connector = connect(address, standard_templates={"restart": TEMPLATE})
    assert (await connector.open(draft(template="restart"))).number


async def test_an_unknown_item_is_left_out_and_said_where_an_approver_reads(
    connect: Any, address: str, person: Any
) -> None:
    opened = await connect(address).open(normal(ci="no-such-box", description="Why."))
    row = await change(person, opened)
    assert row["cmdb_ci"] == ""
    assert row["description"] == "Why.\n\nConfiguration item 'no-such-box' was not found in ServiceNow."
    assert "no-such-box" in await notes(person, opened)


async def test_an_item_whose_name_two_have_is_not_guessed(connect: Any, address: str, person: Any) -> None:
    await person.post("/api/now/table/cmdb_ci", json={"name": "shop"})
    opened = await connect(address).open(normal())
    assert (await change(person, opened))["cmdb_ci"] == ""
    assert "several records" in await notes(person, opened)


async def test_plans_are_cut_to_what_their_fields_hold(connect: Any, address: str, person: Any) -> None:
    opened = await connect(address).open(normal(implementation_plan="x" * 10_000, justification="short"))
    row = await change(person, opened)
    assert len(row["implementation_plan"]) == 4_000
    assert row["justification"] == "short"


async def test_the_incident_is_linked_to_the_change_that_mends_it(connect: Any, address: str, person: Any) -> None:
    incident = Reference(connection="prod", kind="incident", id=INCIDENT)
    opened = await connect(address).open(draft(incident=incident))
    row = (await person.get(f"/api/now/table/incident/{INCIDENT}")).json()["result"]
    assert row["rfc"]["value"] == opened.id


async def test_an_incident_of_another_system_is_not_linked(connect: Any, address: str, person: Any) -> None:
    elsewhere = Reference(connection="pagerduty", kind="incident", id="Q1")
    await connect(address).open(draft(template=TEMPLATE, ci=CI, incident=elsewhere))
    assert await asked(person) == 1


async def test_an_incident_that_cant_be_linked_is_named_on_the_change(connect: Any, address: str, person: Any) -> None:
    closed = {"state": "7", "close_code": "Duplicate", "close_notes": "n"}
    await person.patch(f"/api/now/table/incident/{INCIDENT}", json=closed)
    incident = Reference(connection="prod", kind="incident", id=INCIDENT, number="INC0010001")
    opened = await connect(address).open(draft(incident=incident))
    assert "INC0010001, which could not be linked" in await notes(person, opened)


async def test_a_connection_reset_after_the_create_leaves_one_change(connect: Any, address: str, person: Any) -> None:
    with broken(address, "POST") as (between, server):
        connector = connect(between)
        with pytest.raises(Unavailable):
            await connector.open(draft())
        opened = await connector.open(draft(tried=True))
        assert server.passed.count("POST") == 1
    rows = (await person.get("/api/now/table/change_request?sysparm_query=correlation_id=rem-1")).json()["result"]
    assert [row["sys_id"] for row in rows] == [opened.id]


async def test_a_key_that_could_not_be_found_again_opens_nothing(connect: Any, address: str, person: Any) -> None:
    with pytest.raises(Rejected, match="correlation_id"):
        await connect(address).open(draft(key="a^ORactive=true"))
    assert await asked(person) == 0


async def test_a_standard_change_goes_from_new_to_closed_with_its_evidence(
    connect: Any, address: str, person: Any
) -> None:
    connector = connect(address)
    opened = await connector.open(draft())
    await connector.move(opened, "implement", Evidence())
    assert (await change(person, opened))["state"] == "-1"
    await connector.move(opened, "closed", DONE)
    row = await change(person, opened)
    assert (row["state"], row["close_code"], row["close_notes"]) == ("3", "successful", "It answers again.")
    assert (row["work_start"], row["work_end"]) == ("2026-11-23 02:00:00", "2026-11-23 02:01:00")


async def test_a_covered_remediation_costs_at_most_eight_requests(connect: Any, address: str, person: Any) -> None:
    connector = connect(address)
    await connector.open(draft(key="warm"))  # template and item are remembered from here
    before = await asked(person)
    incident = Reference(connection="prod", kind="incident", id=INCIDENT)
    opened = await connector.open(draft(incident=incident))
    await connector.move(opened, "implement", Evidence())
    await connector.move(opened, "closed", DONE)
    assert await asked(person) - before <= 8


async def test_a_change_that_is_there_is_not_written(connect: Any, address: str, person: Any) -> None:
    opened = await connect(address).open(draft())
    for _ in range(2):
        await connect(address).move(opened, "implement", Evidence(notes="Starting."))
    assert (await notes(person, opened)).count("Starting.") == 1


async def test_a_change_that_somebody_moved_in_the_meantime_is_read_again(
    connect: Any, address: str, person: Any
) -> None:
    connector = connect(address)
    opened = await connector.open(draft())
    await connector.move(opened, "implement", Evidence())
    await person.patch(f"/api/sn_chg_rest/change/{opened.id}", json={"state": "0"})
    await connector.move(opened, "closed", DONE)
    assert (await change(person, opened))["state"] == "3"


async def test_a_change_that_was_canceled_meanwhile_is_not_taken_for_one_that_is_under_way(
    connect: Any, address: str, person: Any
) -> None:
    connector = connect(address)
    opened = await connector.open(draft())
    await connector.move(opened, "implement", Evidence())
    await person.patch(f"/api/sn_chg_rest/change/{opened.id}", json={"state": "4"})
    with pytest.raises(Rejected, match="Canceled"):
        await connector.move(opened, "implement", Evidence())


async def test_an_approval_is_seen_at_once(connect: Any, address: str, person: Any) -> None:
    connector = connect(address)
    opened = await connector.open(normal())
    await connector.move(opened, "assess", Evidence())
    await person.post(f"/sandbox/change/{opened.number}/approve")
    await connector.move(opened, "implement", Evidence())
    assert (await change(person, opened))["state"] == "-1"


async def test_a_transition_that_is_silently_ignored_is_rejected_with_what_is_offered(
    connect: Any, address: str, person: Any
) -> None:
    connector = connect(address)
    opened = await connector.open(draft())
    await connector.move(opened, "implement", Evidence())
    await person.patch(f"/api/sn_chg_rest/change/{opened.id}", json={"state": "4"})
    with pytest.raises(Rejected, match=r"is in Canceled; ServiceNow offers no way to closed. Offered: nothing"):
        await connector.move(opened, "closed", DONE)


async def test_a_move_backwards_names_what_is_offered(connect: Any, address: str) -> None:
    connector = connect(address)
    opened = await connector.open(draft())
    await connector.move(opened, "scheduled", Evidence())
    with pytest.raises(Rejected, match="Offered: Implement, Canceled"):
        await connector.move(opened, "new", Evidence())


async def test_a_change_is_canceled(connect: Any, address: str, person: Any) -> None:
    connector = connect(address)
    opened = await connector.open(draft())
    await connector.move(opened, "canceled", Evidence(notes="The fault is gone."))
    assert (await change(person, opened))["state"] == "4"
    assert "The fault is gone." in await notes(person, opened)


async def test_a_change_is_not_closed_without_a_result(connect: Any, address: str) -> None:
    connector = connect(address)
    opened = await connector.open(draft())
    await connector.move(opened, "implement", Evidence())
    with pytest.raises(Rejected, match="result"):
        await connector.move(opened, "closed", Evidence(notes="Done."))


async def test_close_notes_that_are_too_long_stand_whole_in_the_work_notes(
    connect: Any, address: str, person: Any
) -> None:
    connector = connect(address)
    opened = await connector.open(draft())
    await connector.move(opened, "implement", Evidence())
    await connector.move(opened, "closed", DONE.model_copy(update={"notes": "y" * 9_000}))
    assert len((await change(person, opened))["close_notes"]) == 4_000
    assert "y" * 9_000 in await notes(person, opened)


@pytest.mark.parametrize("kind", ["normal", "emergency"])
async def test_a_change_waits_for_its_approver_and_never_for_us(
    connect: Any, address: str, person: Any, kind: str
) -> None:
    connector = connect(address)
    opened = await connector.open(draft(type=kind, template=""))
    assert (await connector.standing(opened)).approval.state == "waiting"
    with pytest.raises(Rejected, match="waits for approval"):
        await connector.move(opened, "implement", Evidence())
    assert (await connector.standing(opened)).approval.state == "waiting"
    await person.post(f"/sandbox/change/{opened.number}/approve", json={"comment": "Go ahead."})
    approval = (await connector.standing(opened)).approval
    assert (approval.state, approval.by, approval.comment) == ("approved", ("David Loo",), "Go ahead.")
    await connector.move(opened, "implement", Evidence())
    await connector.move(opened, "closed", DONE)
    assert (await change(person, opened))["state"] == "3"


async def test_a_refused_change_stays_refused(connect: Any, address: str, person: Any) -> None:
    connector = connect(address)
    opened = await connector.open(normal())
    await connector.move(opened, "assess", Evidence())
    await person.post(f"/sandbox/change/{opened.number}/reject", json={"comment": "Not on a Friday."})
    approval = (await connector.standing(opened)).approval
    assert (approval.state, approval.by, approval.comment) == ("refused", ("David Loo",), "Not on a Friday.")
    with pytest.raises(Rejected, match="waits for approval"):
        await connector.move(opened, "implement", Evidence())


async def test_a_standard_change_needs_no_approval(connect: Any, address: str) -> None:
    connector = connect(address)
    assert (await connector.standing(await connector.open(draft()))).approval.state == "not_required"


async def test_another_change_on_the_same_item_at_the_same_time_is_a_conflict(connect: Any, address: str) -> None:
    connector = connect(address)
    mine = await connector.open(draft())
    other = await connector.open(draft(key="rem-2", short_description="Patch the shop"))
    later = await connector.open(
        draft(key="rem-3", planned_start=START + timedelta(hours=1), planned_end=START + timedelta(hours=2))
    )
    assert await connector.conflicts(mine) == []
    for scheduled in (other, later):
        await connector.move(scheduled, "scheduled", Evidence())
    (conflict,) = await connector.conflicts(mine)
    assert other.number in conflict.what
    assert "Patch the shop" in conflict.what
    assert other.id in conflict.url


async def test_a_change_without_an_item_or_a_window_has_no_conflicts(connect: Any, address: str) -> None:
    connector = connect(address)
    assert await connector.conflicts(await connector.open(normal(ci=""))) == []
    assert await connector.conflicts(await connector.open(normal(key="k2", planned_start=None))) == []
