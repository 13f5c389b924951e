"""Moving incidents, and reading them back."""

from typing import Any

import pytest
from connectors.servicenow.tests.stage import INCIDENT

from firstline.connector import StateChange
from firstline.errors import Rejected
from firstline.incident import IncidentState, Reference

pytestmark = pytest.mark.anyio

REFERENCE = Reference(connection="prod", kind="incident", id=INCIDENT, number="INC0010001")
PATH = f"/api/now/table/incident/{INCIDENT}"


async def row(person: Any) -> dict[str, str]:
    found: dict[str, str] = (await person.get(PATH)).json()["result"]
    return found


async def test_resolving_says_how_and_why(connect: Any, address: str, person: Any) -> None:
    connector = connect(address, close_code="Solved (Permanently)")
    await connector.set_state(REFERENCE, StateChange(to="resolved", reason="Restarted; it answers."))
    incident = await row(person)
    assert (incident["state"], incident["close_code"]) == ("6", "Solved (Permanently)")
    assert incident["close_notes"] == "Restarted; it answers."
    assert (await connector.fetch(REFERENCE)).state is IncidentState.RESOLVED


async def test_resolving_without_a_reason_satisfies_the_data_policy(connect: Any, address: str, person: Any) -> None:
    await connect(address).set_state(REFERENCE, StateChange(to="resolved"))
    assert (await row(person))["close_notes"]


async def test_a_resolved_incident_is_reopened(connect: Any, address: str, person: Any) -> None:
    connector = connect(address)
    await connector.set_state(REFERENCE, StateChange(to="resolved"))
    await connector.set_state(REFERENCE, StateChange(to="reopened", reason="It hangs again."))
    incident = await row(person)
    assert (incident["state"], incident["reopen_count"]) == ("2", "1")


async def test_escalating_raises_the_urgency_and_with_it_the_priority(connect: Any, address: str, person: Any) -> None:
    before = await row(person)
    await connect(address).set_state(REFERENCE, StateChange(to="escalated"))
    after = await row(person)
    assert (before["priority"], after["priority"]) == ("4", "2")
    assert (after["urgency"], after["impact"]) == ("1", before["impact"])


@pytest.mark.parametrize("to", ["acknowledged", "resolved", "escalated", "reopened"])
async def test_what_is_there_already_is_not_written(connect: Any, address: str, person: Any, to: Any) -> None:
    connector = connect(address)
    await connector.set_state(REFERENCE, StateChange(to=to))
    count = (await row(person))["sys_mod_count"]
    await connector.set_state(REFERENCE, StateChange(to=to))
    assert (await row(person))["sys_mod_count"] == count


@pytest.mark.parametrize("state", ["2", "3"])
async def test_an_incident_that_somebody_has_is_acknowledged(
    connect: Any, address: str, person: Any, state: str
) -> None:
    await person.patch(PATH, json={"state": state})
    await connect(address).set_state(REFERENCE, StateChange(to="acknowledged"))
    assert (await row(person))["state"] == state


async def test_an_update_that_changes_nothing_is_rejected_naming_the_field(
    connect: Any, address: str, person: Any
) -> None:
    await person.patch(PATH, json={"state": "7", "close_code": "Duplicate", "close_notes": "n"})
    with pytest.raises(Rejected, match=r"left state at 'Closed' instead of '2'.*access rule"):
        await connect(address).set_state(REFERENCE, StateChange(to="reopened"))


async def test_a_resolve_that_a_data_policy_refuses_names_the_field_to_give(connect: Any, start: Any) -> None:
    policy = {"sys_id": "e" * 32, "model_table": "incident", "conditions": "stateIN6,7^EQ"}
    rule = {"sys_data_policy": "e" * 32, "field": "u_root_cause", "mandatory": "true"}
    columns = {"incident": ["u_root_cause"]}
    address = start(columns=columns, sys_data_policy2=[policy], sys_data_policy_rule=[rule])
    with pytest.raises(Rejected, match=r"Data Policy Exception.*empty: u_root_cause; give them in `resolve.incident`"):
        await connect(address).set_state(REFERENCE, StateChange(to="resolved", reason="Restarted."))
    given = connect(address, resolve={"incident": {"u_root_cause": "{reason}"}})
    await given.set_state(REFERENCE, StateChange(to="resolved", reason="Restarted."))
    assert (await given.fetch(REFERENCE)).state is IncidentState.RESOLVED


async def test_a_close_code_that_does_not_stick_is_told_with_those_that_do(
    connect: Any, address: str, person: Any
) -> None:
    await person.put("/sandbox/rules", json={"ignored": {"incident": ["close_code"]}})
    with pytest.raises(Rejected, match=r"Data Policy.*choices of incident.close_code are: Solution provided"):
        await connect(address, close_code="Solved").set_state(REFERENCE, StateChange(to="resolved"))


async def test_states_of_the_customers_own_are_written_where_the_operator_says(
    connect: Any, address: str, person: Any
) -> None:
    own = {"incident": {"state": "20"}}
    connector = connect(address, acknowledge=own, states={"incident": {"20": "acknowledged"}})
    for _ in range(2):
        await connector.set_state(REFERENCE, StateChange(to="acknowledged"))
    assert ((await row(person))["state"], (await row(person))["sys_mod_count"]) == ("20", "1")


async def test_an_incident_is_found_by_its_number(connect: Any, address: str) -> None:
    named = Reference(connection="prod", kind="incident", id="INC0010001")
    incident = await connect(address).fetch(named)
    assert incident.reference.id == INCIDENT
    assert incident.ci == "shop"


async def test_a_number_that_nobody_has_is_rejected(connect: Any, address: str) -> None:
    with pytest.raises(Rejected, match="INC0099999"):
        await connect(address).fetch(Reference(connection="prod", kind="incident", id="INC0099999"))
