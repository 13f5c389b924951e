"""Standard change proposals, and the change that is named as an incident's cause."""

from typing import Any

import pytest
from connectors.servicenow.tests.stage import CI, INCIDENT

from firstline.connector import ChangeDraft, Proposal
from firstline.errors import Rejected
from firstline.incident import Reference

pytestmark = pytest.mark.anyio

FAULT = Reference(connection="prod", kind="incident", id=INCIDENT, number="INC0010001")


def proposal(**more: Any) -> Proposal:
    given = {
        "key": "restart-web@1.2.0",
        "name": "Restart web (restart-web 1.2.0)",
        "short_description": "Restart a hung web process",
        "description": "One process on its own host.",
        "justification": "Ten times well.",
        "implementation_plan": "1. systemctl restart ^web\n2. wait",
        "backout_plan": "Start the old one.",
        "test_plan": "It answers 200.",
        "evidence": "10 runs, none failed; approved by David Loo under CHG0030001.",
        "ci": "shop",
    }
    return Proposal.model_validate(given | more)


async def rows(person: Any) -> list[dict[str, str]]:
    found: list[dict[str, str]] = (await person.get("/sandbox/state")).json()["tables"]["std_change_proposal"]
    return found


async def test_a_proposal_is_made_once_with_its_template_and_its_evidence(
    connect: Any, address: str, person: Any
) -> None:
    connector = connect(address)
    made = [await connector.propose(proposal()) for _ in range(2)]
    assert made[0] == made[1]
    assert (made[0].kind, made[0].number[:6]) == ("std_change_proposal", "STDCHG")
    (row,) = await rows(person)
    assert (row["proposal_type"], row["state"], row["template_name"]) == ("1", "1", "Restart web (restart-web 1.2.0)")
    assert row["description"].startswith("Ten times well.")
    assert "Evidence:\n10 runs, none failed" in row["description"]
    assert row["template_value"].startswith("short_description=Restart a hung web process^description=")
    assert row["template_value"].endswith(f"^cmdb_ci={CI}^EQ")


async def test_a_caret_in_a_plan_does_not_end_its_field(connect: Any, address: str, person: Any) -> None:
    await connect(address).propose(proposal())
    (row,) = await rows(person)
    assert "^implementation_plan=1. systemctl restart ^^web\n2. wait^backout_plan=" in row["template_value"]


async def test_what_the_tenant_wants_on_a_proposal_is_written(connect: Any, address: str, person: Any) -> None:
    await connect(address, proposal_fields={"category": "c" * 32}).propose(proposal())
    assert [row["category"] for row in await rows(person)] == ["c" * 32]


async def test_a_proposal_that_the_instance_keeps_without_its_template_is_refused(connect: Any, start: Any) -> None:
    address = start(rules={"ignored": {"std_change_proposal": ["template_value"]}})
    with pytest.raises(Rejected, match="left template_value at ''"):
        await connect(address).propose(proposal())


async def opened(connector: Any) -> Reference:
    draft = ChangeDraft(key="k", type="normal", short_description="x", tried=False)
    reference: Reference = await connector.open(draft)
    return reference


async def test_the_change_that_caused_an_incident_is_named_on_it_once(connect: Any, address: str, person: Any) -> None:
    connector = connect(address)
    change = await opened(connector)
    for _ in range(2):
        await connector.blame(FAULT, change)
    row = (await person.get(f"/api/now/table/incident/{INCIDENT}")).json()["result"]
    assert (row["caused_by"]["value"], row["sys_mod_count"]) == (change.id, "1")


async def test_a_cause_that_does_not_take_is_refused_by_its_field(connect: Any, start: Any) -> None:
    connector = connect(start(rules={"ignored": {"incident": ["caused_by"]}}))
    with pytest.raises(Rejected, match="left caused_by at ''"):
        await connector.blame(FAULT, await opened(connector))


@pytest.mark.parametrize(("connection", "kind"), [("elsewhere", "incident"), ("prod", "problem")])
async def test_only_an_incident_of_the_same_instance_names_its_cause(
    connect: Any, address: str, connection: str, kind: str
) -> None:
    connector = connect(address)
    fault = FAULT.model_copy(update={"connection": connection, "kind": kind})
    with pytest.raises(Rejected, match="only an incident of this instance"):
        await connector.blame(fault, await opened(connector))
