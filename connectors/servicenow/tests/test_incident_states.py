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


async def test_only_incidents_have_these_states(connect: Any, address: str) -> None:
    change = REFERENCE.model_copy(update={"kind": "change_request"})
    with pytest.raises(Rejected, match="change_request"):
        await connect(address).set_state(change, StateChange(to="resolved"))


async def test_an_incident_is_found_by_its_number(connect: Any, address: str) -> None:
    named = Reference(connection="prod", kind="incident", id="INC0010001")
    incident = await connect(address).fetch(named)
    assert incident.reference.id == INCIDENT
    assert incident.ci == "shop"


async def test_a_number_that_nobody_has_is_rejected(connect: Any, address: str) -> None:
    with pytest.raises(Rejected, match="INC0099999"):
        await connect(address).fetch(Reference(connection="prod", kind="incident", id="INC0099999"))
