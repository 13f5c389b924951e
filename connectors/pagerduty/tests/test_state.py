import json
from collections.abc import Callable
from typing import Any

import pytest

from firstline.connector import StateChange
from firstline.errors import Rejected, Unavailable
from firstline.incident import Reference
from firstline_pagerduty.connector import PagerDutyConnector

pytestmark = pytest.mark.anyio

Connect = Callable[..., PagerDutyConnector]
ACKNOWLEDGED = StateChange(to="acknowledged")
RESOLVED = StateChange(to="resolved", reason="Restarted; it answers.")
REOPENED = StateChange(to="reopened")
ESCALATED = StateChange(to="escalated")


def incident(status: str, *assignees: str) -> dict[str, Any]:
    """An answer of GET and PUT /incidents/{id}."""
    assignments = [{"assignee": {"id": one}} for one in assignees]
    policy = {"id": "PEP0001"}
    return {
        "incident": {"id": "Q1", "incident_number": 7, "status": status, "assignments": assignments}
        | {"escalation_policy": policy}
    }


def oncalls(*levels: tuple[int, str]) -> dict[str, Any]:
    return {"oncalls": [{"escalation_level": level, "user": {"id": user}} for level, user in levels]}


async def test_an_incident_is_acknowledged_with_one_write(connect: Connect, sandbox: Any, reference: Reference) -> None:
    await connect(sandbox.address).set_state(reference, ACKNOWLEDGED)
    assert (await sandbox.incident())["status"] == "acknowledged"
    assert await sandbox.writes() == 1


@pytest.mark.parametrize(
    ("before", "change"),
    [(["acknowledged"], ACKNOWLEDGED), (["resolved"], RESOLVED), ([], REOPENED), (["acknowledged"], REOPENED)],
)
async def test_what_is_there_already_is_not_written(
    connect: Connect, sandbox: Any, reference: Reference, before: list[str], change: StateChange
) -> None:
    for status in before:
        await sandbox.change(status=status)
    writes = await sandbox.writes()
    await connect(sandbox.address).set_state(reference, change)
    assert await sandbox.writes() == writes


async def test_the_reason_of_a_resolution_stands_in_the_log(
    connect: Connect, sandbox: Any, reference: Reference
) -> None:
    await connect(sandbox.address).set_state(reference, RESOLVED)
    last = (await sandbox.incident())["log_entries"][-1]
    assert (last["type"], last["channel"]["summary"]) == ("resolve_log_entry", "Restarted; it answers.")
    assert last["agent"]["id"] == "PFIRSTL"


async def test_a_resolved_incident_is_not_acknowledged_because_that_would_reopen_it(
    connect: Connect, sandbox: Any, reference: Reference
) -> None:
    await sandbox.change(status="resolved")
    with pytest.raises(Rejected, match="would reopen"):
        await connect(sandbox.address).set_state(reference, ACKNOWLEDGED)
    assert (await sandbox.incident())["status"] == "resolved"


async def test_a_resolved_incident_is_reopened(connect: Connect, sandbox: Any, reference: Reference) -> None:
    await sandbox.change(status="resolved")
    await connect(sandbox.address).set_state(reference, REOPENED)
    reopened = await sandbox.incident()
    assert reopened["status"] == "triggered"
    assert reopened["resolved_at"] is None


@pytest.mark.parametrize(("code", "change"), [(1001, RESOLVED), (1002, ACKNOWLEDGED)])
async def test_a_refusal_because_somebody_was_quicker_is_no_error(
    connect: Connect, loopback: Any, vendor: Any, reference: Reference, code: int, change: StateChange
) -> None:
    refusal = {"error": {"message": "Incident Already There", "code": code}}
    fake = vendor((200, incident("triggered")), (400, refusal), (200, incident(change.to)))
    await connect(loopback(fake)).set_state(reference, change)
    assert fake.methods == ["GET", "PUT", "GET"]


async def test_somebody_who_was_quicker_and_went_elsewhere_is_an_error(
    connect: Connect, loopback: Any, vendor: Any, reference: Reference
) -> None:
    refusal = {"error": {"message": "Incident Already Resolved", "code": 1001}}
    fake = vendor((200, incident("triggered")), (400, refusal), (200, incident("resolved")))
    with pytest.raises(Rejected, match="its status is 'resolved'"):
        await connect(loopback(fake)).set_state(reference, ACKNOWLEDGED)


async def test_another_refusal_keeps_the_vendors_words(
    connect: Connect, loopback: Any, vendor: Any, reference: Reference
) -> None:
    fake = vendor((200, incident("triggered")), (400, {"error": {"message": "Requester User Not Found", "code": 1008}}))
    with pytest.raises(Rejected, match="Requester User Not Found"):
        await connect(loopback(fake)).set_state(reference, RESOLVED)
    assert fake.methods == ["GET", "PUT"]


@pytest.mark.parametrize("change", [ACKNOWLEDGED, RESOLVED])
async def test_an_answer_that_is_well_and_moved_nothing_is_rejected(
    connect: Connect, loopback: Any, vendor: Any, reference: Reference, change: StateChange
) -> None:
    with pytest.raises(Rejected, match="its status is 'triggered'"):
        await connect(loopback(vendor((200, incident("triggered"))))).set_state(reference, change)


async def test_an_answer_that_names_no_incident_is_rejected(
    connect: Connect, loopback: Any, vendor: Any, reference: Reference
) -> None:
    with pytest.raises(Rejected, match="names no incident"):
        await connect(loopback(vendor((200, {"incident": None})))).set_state(reference, RESOLVED)


# escalation


async def test_an_incident_is_escalated_to_the_next_level(connect: Connect, sandbox: Any, reference: Reference) -> None:
    await connect(sandbox.address).set_state(reference, ESCALATED)
    escalated = await sandbox.incident()
    assert escalated["escalation_level"] == 2
    assert [one["assignee"]["id"] for one in escalated["assignments"]] == ["PSECOND"]


async def test_an_acknowledged_incident_is_escalated_and_rings_again(
    connect: Connect, sandbox: Any, reference: Reference
) -> None:
    await sandbox.change(status="acknowledged")
    await connect(sandbox.address).set_state(reference, ESCALATED)
    assert ((await sandbox.incident())["status"], await sandbox.writes()) == ("triggered", 2)


async def test_an_escalation_that_is_called_for_again_wakes_nobody_more(
    connect: Connect, loopback: Any, vendor: Any, sandbox: Any, reference: Reference
) -> None:
    connector = connect(sandbox.address)
    for _ in range(2):
        await connector.set_state(reference, ESCALATED)
    assert ((await sandbox.incident())["escalation_level"], await sandbox.writes()) == (2, 1)


async def test_an_escalation_by_somebody_else_does_not_stand_for_ours(
    connect: Connect, loopback: Any, vendor: Any, reference: Reference
) -> None:
    log = {"log_entries": [{"type": "escalate_log_entry", "created_at": "2", "agent": {"id": "PONCALL"}}]}
    fake = vendor(
        (200, incident("triggered", "A")),
        (200, log),
        (200, oncalls((1, "A"), (2, "B"))),
        (200, incident("triggered", "B")),
    )
    await connect(loopback(fake)).set_state(reference, ESCALATED)
    assert fake.methods == ["GET", "GET", "GET", "PUT"]


async def test_an_escalation_before_the_last_acknowledgement_does_not_count(
    connect: Connect, loopback: Any, vendor: Any, reference: Reference
) -> None:
    entries = [
        {"type": "escalate_log_entry", "created_at": "1", "agent": {"id": "PFIRSTL"}},
        {"type": "unacknowledge_log_entry", "created_at": "3", "agent": None},
        {"type": "acknowledge_log_entry", "created_at": "2", "agent": {"id": "A"}},
        {"type": "annotate_log_entry", "created_at": "4", "agent": {"id": "A"}},
    ]
    fake = vendor(
        (200, incident("triggered", "A")),
        (200, {"log_entries": entries}),
        (200, oncalls((1, "A"), (2, "B"))),
        (200, incident("triggered", "B")),
    )
    await connect(loopback(fake)).set_state(reference, ESCALATED)
    assert fake.methods[-1] == "PUT"


@pytest.mark.parametrize(
    ("assigned", "levels", "level"),
    [
        (["A"], [(1, "A"), (2, "B"), (3, "C")], 2),
        (["B"], [(1, "A"), (2, "B"), (3, "C")], 3),
        (["A"], [(1, "A"), (3, "C")], 3),
        (["A"], [(1, "A"), (2, "A"), (3, "C")], 3),
        (["X"], [(1, "A"), (2, "B")], 1),
        ([], [(1, "A"), (2, "B")], 1),
    ],
)
async def test_the_next_level_is_the_one_where_somebody_else_is_on_call(
    connect: Connect,
    loopback: Any,
    vendor: Any,
    reference: Reference,
    assigned: list[str],
    levels: list[tuple[int, str]],
    level: int,
) -> None:
    there = dict(levels)[level]
    fake = vendor(
        (200, incident("acknowledged", *assigned)), (200, oncalls(*levels)), (200, incident("triggered", there))
    )
    await connect(loopback(fake)).set_state(reference, ESCALATED)
    assert f'"escalation_level":{level}' in fake.asked[-1][3].decode().replace(" ", "")


async def test_above_the_last_level_there_is_nobody(connect: Connect, sandbox: Any, reference: Reference) -> None:
    await sandbox.change(escalation_level=2)
    await sandbox.change(status="acknowledged")
    with pytest.raises(Rejected, match="there is no next level"):
        await connect(sandbox.address).set_state(reference, ESCALATED)


async def test_a_resolved_incident_is_not_escalated(connect: Connect, sandbox: Any, reference: Reference) -> None:
    await sandbox.change(status="resolved")
    with pytest.raises(Rejected, match="nothing to escalate"):
        await connect(sandbox.address).set_state(reference, ESCALATED)


async def test_a_low_urgency_incident_is_not_escalated_and_the_vendor_says_why(
    connect: Connect, sandbox: Any, reference: Reference
) -> None:
    await sandbox.change(urgency="low")
    with pytest.raises(Rejected, match=r"Cannot Escalate.*Low-urgency"):
        await connect(sandbox.address).set_state(reference, ESCALATED)


async def test_an_escalation_that_reached_nobody_is_rejected(
    connect: Connect, loopback: Any, vendor: Any, reference: Reference
) -> None:
    fake = vendor(
        (200, incident("acknowledged", "A")), (200, oncalls((1, "A"), (2, "B"))), (200, incident("triggered", "A"))
    )
    with pytest.raises(Rejected, match="nobody there has it"):
        await connect(loopback(fake)).set_state(reference, ESCALATED)


async def test_an_incident_without_an_escalation_policy_is_not_escalated(
    connect: Connect, loopback: Any, vendor: Any, reference: Reference
) -> None:
    found = incident("acknowledged", "A")
    found["incident"]["escalation_policy"] = None
    with pytest.raises(Rejected, match="no escalation policy"):
        await connect(loopback(vendor((200, found)))).set_state(reference, ESCALATED)


async def test_a_vendor_that_fails_between_reading_and_writing_is_unavailable(
    connect: Connect, loopback: Any, vendor: Any, reference: Reference
) -> None:
    fake = vendor((200, incident("triggered")), (503, {}))
    with pytest.raises(Unavailable):
        await connect(loopback(fake)).set_state(reference, RESOLVED)
    assert fake.methods == ["GET", "PUT"]


async def test_a_level_on_which_nobody_is_named_is_passed_by(
    connect: Connect, loopback: Any, vendor: Any, reference: Reference
) -> None:
    on_call = oncalls((1, "PONE"), (3, "PTHREE"))
    on_call["oncalls"].insert(1, {"escalation_level": 2, "user": None})
    fake = vendor(
        (200, incident("triggered", "PONE")),
        (200, {"log_entries": []}),
        (200, on_call),
        (200, incident("triggered", "PTHREE")),
    )
    await connect(loopback(fake)).set_state(reference, ESCALATED)
    assert json.loads(fake.asked[-1][3]) == {"incident": {"type": "incident_reference", "escalation_level": 3}}
