"""Priorities, fields and assignments: written once, read back, refused by name."""

from typing import Any

import httpx
import pytest
from connectors.servicenow.tests.stage import INCIDENT, SEED
from connectors.servicenow.tests.wire import broken

from firstline.connector import StateChange, Update
from firstline.errors import Rejected, Unavailable
from firstline.incident import Reference
from firstline_servicenow import update

pytestmark = pytest.mark.anyio

REFERENCE = Reference(connection="prod", kind="incident", id=INCIDENT, number="INC0010001")
PATH = f"/api/now/table/incident/{INCIDENT}"
GROUP, PERSON = "9" * 32, "8" * 32


@pytest.fixture
def address(start: Any) -> str:
    people = [*SEED["users"], {"user_name": "beth", "password": "b", "name": "Beth Anglin", "email": "beth@x.example"}]
    people[-1]["sys_id"] = PERSON
    group = {"sys_id": GROUP, "name": "Web"}
    address: str = start(users=people, sys_user_group=[group], columns={"incident": ["u_cause"]})
    return address


async def row(person: httpx.AsyncClient) -> dict[str, str]:
    params = {"sysparm_exclude_reference_link": "true"}
    found: dict[str, str] = (await person.get(PATH, params=params)).json()["result"]
    return found


@pytest.mark.parametrize("priority", [1, 2, 3, 4, 5])
async def test_a_priority_is_reached_through_impact_and_urgency(
    connect: Any, address: str, person: Any, priority: int
) -> None:
    for _ in range(2):
        await connect(address).update(REFERENCE, Update(priority=priority))
    incident = await row(person)
    assert incident["priority"] == str(priority)
    assert int(incident["sys_mod_count"]) <= 1


@pytest.mark.parametrize(
    ("impact", "urgency", "priority", "pair"),
    [("2", "3", 3, ("2", "2")), ("1", "3", 1, ("1", "1")), ("3", "3", 2, ("2", "1")), ("3", "2", 3, ("3", "1"))],
)
def test_the_impact_changes_as_little_as_the_priority_lets_it(
    impact: str, urgency: str, priority: int, pair: tuple[str, str]
) -> None:
    record = {"impact": impact, "urgency": urgency}
    assert update.writes("incident", record, {"priority": str(priority)}) == dict(zip(record, pair, strict=True))


async def test_fields_are_set_once_and_read_back(connect: Any, address: str, person: Any) -> None:
    connector = connect(address)
    wanted = Update(fields={"u_cause": "full disk", "category": "hardware"})
    for _ in range(2):
        await connector.update(REFERENCE, wanted)
    incident = await row(person)
    assert (incident["u_cause"], incident["category"], incident["sys_mod_count"]) == ("full disk", "hardware", "1")


async def test_a_field_that_silently_ignores_a_write_is_named(connect: Any, address: str, person: Any) -> None:
    await person.put("/sandbox/rules", json={"ignored": {"incident": ["u_cause", "impact", "state"]}})
    connector = connect(address)
    for wanted, name in ((Update(fields={"u_cause": "x"}), "u_cause"), (Update(priority=1), "priority")):
        with pytest.raises(Rejected, match=f"left {name} at"):
            await connector.update(REFERENCE, wanted)
    with pytest.raises(Rejected, match="left state at 'New'"):
        await connector.set_state(REFERENCE, StateChange(to="acknowledged"))
    with pytest.raises(Rejected, match="left u_none at"):
        await connector.update(REFERENCE, Update(fields={"u_none": "x"}))


@pytest.mark.parametrize(
    "wanted",
    [
        Update(status="It is back."),
        *(Update(fields={name: "x"}) for name in ("work_notes", "approval", "sys_mod_count", "cmdb_ci.name", "a^b")),
    ],
)
async def test_what_has_no_field_of_its_own_is_rejected_before_it_is_sent(
    connect: Any, address: str, wanted: Update
) -> None:
    connector = connect(address)
    with pytest.raises(Rejected):
        await connector.update(REFERENCE, wanted)
    assert connector.meter.take()[0] == 0


async def test_an_update_whose_answer_was_lost_is_not_written_again(connect: Any, address: str, person: Any) -> None:
    with broken(address, "PATCH") as (between, server):
        connector = connect(between)
        for wanted in range(2):
            try:
                await connector.update(REFERENCE, Update(fields={"u_cause": "full disk"}))
            except Unavailable:
                assert wanted == 0
    assert server.passed.count("PATCH") == 1
    assert (await row(person))["sys_mod_count"] == "1"


# assignment


@pytest.mark.parametrize(
    ("name", "field", "sys_id"),
    [
        ("Web", "assignment_group", GROUP),
        (GROUP, "assignment_group", GROUP),
        ("beth", "assigned_to", PERSON),
        ("beth@x.example", "assigned_to", PERSON),
        ("Beth Anglin", "assigned_to", PERSON),
        (PERSON, "assigned_to", PERSON),
    ],
)
async def test_a_group_or_a_person_is_assigned_once(
    connect: Any, address: str, person: Any, name: str, field: str, sys_id: str
) -> None:
    for _ in range(2):
        await connect(address).set_state(REFERENCE, StateChange(to="reassigned", assignee=name, reason="Theirs."))
    incident = await row(person)
    assert (incident[field], incident["sys_mod_count"]) == (sys_id, "1")


@pytest.mark.parametrize("name", ["", "Nobody", "a^ORactive=true"])
async def test_somebody_who_is_not_there_is_rejected(connect: Any, address: str, name: str) -> None:
    with pytest.raises(Rejected, match=r"whom|was not found|looked up"):
        await connect(address).set_state(REFERENCE, StateChange(to="reassigned", assignee=name))
