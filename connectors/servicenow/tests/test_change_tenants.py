"""Instances that their administrators changed: other states, mandatory fields, writes that are ignored, emergencies
that may run first."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from connectors.servicenow.tests.stage import CI, USERS

from firstline.connector import ChangeDraft, Evidence
from firstline.errors import Rejected
from firstline.incident import Reference

pytestmark = pytest.mark.anyio

START = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
BEGINS = Evidence(notes="Firstline begins.", work_start=START)
DONE = Evidence(notes="It answers again.", result="successful", work_end=START + timedelta(minutes=1))
PEER_REVIEW = {"name": "change_request", "element": "state", "value": "-6", "label": "Peer review"}
PEERS = {
    "ways": {"-5": ["-6"], "-6": ["-5"], "-2": ["-1"], "-1": ["5", "4"], "5": ["0"], "0": ["3"]},
    "asks": ["-6"],
}
RUNS_FIRST = {"ways": {"-5": ["-3"], "-3": ["-1", "4"], "-1": ["0", "4"], "0": ["3"]}, "approved": "-1"}


def draft(**more: Any) -> ChangeDraft:
    given = {"key": "rem-1", "type": "normal", "short_description": "Restart the shop", "ci": CI, "tried": False}
    return ChangeDraft.model_validate(
        given | {"planned_start": START, "planned_end": START + timedelta(hours=1)} | more
    )


async def row(person: Any, change: Reference) -> dict[str, Any]:
    found: dict[str, Any] = (await person.get(f"/api/now/table/change_request/{change.id}")).json()["result"]
    return found


async def approve(person: Any, change: Reference) -> None:
    (await person.post(f"/sandbox/change/{change.number}/approve")).raise_for_status()


async def test_a_model_with_states_of_its_own_is_followed_from_end_to_end(
    connect: Any, start: Any, person: Any
) -> None:
    address = start(rules={"models": {"normal": PEERS}}, sys_choice=[PEER_REVIEW])
    connector = connect(address, change_states={"-6": "assess", "5": "review"})
    opened = await connector.open(draft())
    await connector.request(opened, BEGINS)
    asked = await connector.standing(opened)
    assert (asked.state, asked.approval.state) == ("assess", "waiting")
    await approve(person, opened)
    await connector.move(opened, "implement", BEGINS)
    await connector.move(opened, "closed", DONE)
    assert (await row(person, opened))["state"] == "3"


async def test_a_state_that_nobody_explained_is_none_and_no_way_leads_through_it(connect: Any, start: Any) -> None:
    address = start(rules={"models": {"normal": PEERS}}, sys_choice=[PEER_REVIEW])
    connector = connect(address)
    opened = await connector.open(draft())
    with pytest.raises(Rejected, match=r"is in New; ServiceNow offers no way to assess or authorize.*Peer review"):
        await connector.request(opened, BEGINS)
    explained = connect(address, change_states={"-6": "assess"})
    await explained.request(opened, BEGINS)
    assert (await connector.standing(opened)).state is None


async def test_a_model_that_asks_nobody_says_so_when_it_is_asked_to(connect: Any, start: Any) -> None:
    automated = {"ways": {"-5": ["-1"], "-1": ["0"], "0": ["3"]}, "asks": []}
    connector = connect(start(rules={"models": {"normal": automated}}))
    opened = await connector.open(draft())
    with pytest.raises(Rejected, match="Offered: Implement"):
        await connector.request(opened, BEGINS)
    assert (await connector.standing(opened)).state == "new"


async def test_an_emergency_runs_first_where_the_model_lets_it_and_its_approval_is_followed_to_the_end(
    connect: Any, start: Any, person: Any
) -> None:
    connector = connect(start(rules={"models": {"emergency": RUNS_FIRST}}))
    opened = await connector.open(draft(type="emergency"))
    await connector.request(opened, BEGINS)
    await connector.move(opened, "implement", BEGINS)
    running = await connector.standing(opened)
    assert (running.state, running.approval.state) == ("implement", "waiting")
    await connector.move(opened, "closed", DONE)
    assert (await connector.standing(opened)).approval.state == "waiting"
    assert (await row(person, opened))["state"] == "3"


async def test_an_emergency_that_was_refused_while_it_ran_says_so_and_is_not_run_again(
    connect: Any, start: Any, person: Any
) -> None:
    connector = connect(start(rules={"models": {"emergency": RUNS_FIRST}}))
    opened = await connector.open(draft(type="emergency"))
    await connector.move(opened, "implement", BEGINS)
    await person.post(f"/sandbox/change/{opened.number}/reject", json={"comment": "Not like this."})
    refused = await connector.standing(opened)
    assert (refused.approval.state, refused.approval.comment) == ("refused", "Not like this.")
    with pytest.raises(Rejected, match="waits for approval"):
        await connector.move(opened, "implement", BEGINS)


async def test_a_normal_change_does_not_run_first_also_where_the_model_would_let_it(connect: Any, start: Any) -> None:
    model = {"ways": {"-5": ["-4"], "-4": ["-1"], "-1": ["0"], "0": ["3"]}}
    connector = connect(start(rules={"models": {"normal": model}}))
    opened = await connector.open(draft())
    await connector.request(opened, BEGINS)
    with pytest.raises(Rejected, match="waits for approval"):
        await connector.move(opened, "implement", BEGINS)
    assert (await connector.standing(opened)).state == "assess"


async def test_a_change_on_hold_stands_in_no_state_and_is_not_moved(connect: Any, address: str, person: Any) -> None:
    connector = connect(address)
    opened = await connector.open(draft())
    await connector.request(opened, BEGINS)
    await approve(person, opened)
    hold = {"on_hold": "true", "on_hold_reason": "The auditors are in."}
    await person.patch(f"/api/sn_chg_rest/change/{opened.id}", json=hold)
    assert (await connector.standing(opened)).state is None
    with pytest.raises(Rejected, match="on hold: The auditors are in"):
        await connector.move(opened, "implement", BEGINS)
    await person.patch(f"/api/sn_chg_rest/change/{opened.id}", json={"on_hold": "false"})
    await connector.move(opened, "implement", BEGINS)


async def test_an_instance_that_refuses_what_its_model_lacks_is_told_in_its_words(connect: Any, start: Any) -> None:
    stuck = {"ways": {"-5": ["4"]}}
    connector = connect(start(rules={"models": {"standard": stuck}, "refuses": True}))
    opened = await connector.open(draft(type="standard", template="Restart web process"))
    with pytest.raises(Rejected, match="Operation aborted by Business Rule 'State model'"):
        await connector.move(opened, "implement", BEGINS)


def mandatory(field: str, state: str) -> dict[str, Any]:
    policy = {"sys_id": "e" * 32, "model_table": "change_request", "conditions": f"state={state}^EQ"}
    rule = {"sys_data_policy": "e" * 32, "field": field, "mandatory": "true"}
    return {"columns": {"change_request": [field]}, "sys_data_policy2": [policy], "sys_data_policy_rule": [rule]}


async def test_a_field_that_is_mandatory_on_opening_is_named_and_then_given(
    connect: Any, start: Any, person: Any
) -> None:
    address = start(**mandatory("u_reason", "-5"))
    with pytest.raises(Rejected, match=r"Mandatory and empty: u_reason; give them in `change_fields.new`"):
        await connect(address).open(draft())
    given = connect(address, change_fields={"new": {"u_reason": "Automation"}})
    assert (await row(person, await given.open(draft())))["u_reason"] == "Automation"


async def test_a_field_that_is_mandatory_in_a_state_is_named_and_then_given(
    connect: Any, start: Any, person: Any
) -> None:
    address = start(**mandatory("u_verified_by", "0"))
    connector = connect(address)
    opened = await connector.open(draft(type="standard", template="Restart web process"))
    await connector.move(opened, "implement", BEGINS)
    with pytest.raises(Rejected, match=r"Mandatory and empty: u_verified_by; give them in `change_fields.review`"):
        await connector.move(opened, "closed", DONE)
    given = connect(address, change_fields={"review": {"u_verified_by": "Firstline"}})
    await given.move(opened, "closed", DONE)
    assert (await row(person, opened))["u_verified_by"] == "Firstline"


async def test_the_change_model_that_a_type_is_opened_with_is_read_back(connect: Any, start: Any, person: Any) -> None:
    models = {"normal": "d" * 32}
    opened = await connect(start(), change_models=models).open(draft())
    assert (await row(person, opened))["chg_model"] == "d" * 32
    address = start(rules={"ignored": {"change_request": ["chg_model"]}})
    with pytest.raises(Rejected, match="left chg_model at ''"):
        await connect(address, change_models=models).open(draft())


async def test_close_codes_of_the_tenant_are_written(connect: Any, address: str, person: Any) -> None:
    connector = connect(address, close_codes={"successful": "done_well"})
    opened = await connector.open(draft(type="standard", template="Restart web process"))
    await connector.move(opened, "implement", BEGINS)
    await connector.move(opened, "closed", DONE)
    assert (await row(person, opened))["close_code"] == "done_well"


@pytest.mark.parametrize("field", ["cmdb_ci", "start_date", "end_date"])
async def test_a_change_that_lost_what_covers_the_work_is_refused_by_its_field_until_it_is_there(
    connect: Any, start: Any, person: Any, field: str
) -> None:
    address = start(rules={"ignored": {"change_request": [field]}})
    connector = connect(address)
    for tried in (False, True):
        with pytest.raises(Rejected, match=f"left {field} at ''.*access rule"):
            await connector.open(draft(tried=tried))
    await person.put("/sandbox/rules", json={})
    opened = await connector.open(draft(tried=True))
    assert (await row(person, opened))[field]
    assert len((await person.get("/sandbox/state")).json()["tables"]["change_request"]) == 1


async def test_what_its_manager_changed_on_a_change_is_not_written_again(
    connect: Any, address: str, person: Any
) -> None:
    connector = connect(address)
    opened = await connector.open(draft())
    await person.patch(f"/api/sn_chg_rest/change/{opened.id}", json={"start_date": "2026-11-24 02:00:00"})
    await connector.open(draft(tried=True))
    assert (await connector.standing(opened)).planned_start == START + timedelta(days=1)


async def test_a_written_field_that_did_not_take_is_refused_by_its_name(connect: Any, start: Any, person: Any) -> None:
    connector = connect(start(rules={"ignored": {"change_request": ["work_start"]}}))
    opened = await connector.open(draft(type="standard", template="Restart web process"))
    with pytest.raises(Rejected, match=r"left work_start at .*access rule"):
        await connector.move(opened, "implement", BEGINS)
    await person.put("/sandbox/rules", json={"ignored": {"change_request": ["work_end"]}})
    with pytest.raises(Rejected, match=r"left work_end at .*access rule"):
        await connector.move(opened, "closed", DONE)


async def test_a_state_that_never_takes_is_refused_with_what_is_offered(connect: Any, start: Any) -> None:
    connector = connect(start(rules={"ignored": {"change_request": ["state"]}}))
    opened = await connector.open(draft())
    with pytest.raises(Rejected, match="is in New; ServiceNow offers no way to assess"):
        await connector.request(opened, BEGINS)
    with pytest.raises(Rejected, match="is in New; ServiceNow offers no way to implement"):
        await connector.move(opened, "implement", BEGINS)


async def test_what_an_approver_must_know_stands_in_fields_that_an_approver_sees(
    connect: Any, address: str, person: Any
) -> None:
    opened = await connect(address).open(
        draft(
            type="emergency",
            description="The shop is down.",
            justification="Sales are lost.",
            implementation_plan="Restart it.",
            test_plan="It answers 200.",
            backout_plan="Start the old one.",
            risk="high",
            risk_and_impact="One host.",
            late=True,
        )
    )
    told = await row(person, opened)
    assert told["short_description"] == "Late: Restart the shop"
    assert told["justification"].startswith("Filed late: the work was done before")
    assert told["implementation_plan"] == "Restart it.\n\nHow it is tested:\nIt answers 200."
    assert (told["risk"], told["risk_impact_analysis"]) == ("2", "Risk: high.\n\nOne host.")
    assert (told["type"], told["backout_plan"], told["test_plan"]) == (
        "emergency",
        "Start the old one.",
        "It answers 200.",
    )


async def test_the_risk_is_told_also_where_the_instance_computes_its_own(connect: Any, start: Any, person: Any) -> None:
    address = start(rules={"ignored": {"change_request": ["risk"]}}, users=USERS)
    told = await row(person, await connect(address).open(draft(risk="high")))
    assert (told["risk"], told["risk_impact_analysis"]) == ("3", "Risk: high.")
