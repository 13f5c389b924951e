"""Giving an incident to a user or to an escalation policy."""

from collections.abc import Callable
from typing import Any

import pytest

from firstline.connector import SandboxSettings, StateChange
from firstline.errors import Rejected
from firstline.incident import Reference
from firstline_pagerduty.connector import PagerDutyConnector
from firstline_pagerduty.sandbox import create_app

pytestmark = pytest.mark.anyio

Connect = Callable[..., PagerDutyConnector]


def to(assignee: str) -> StateChange:
    return StateChange(to="reassigned", assignee=assignee)


@pytest.fixture
def seed(seed: dict[str, Any]) -> dict[str, Any]:
    services = [
        {"id": "PSHOP01", "name": "shop"},
        {"id": "PBOOKS", "name": "books", "routing_key": "b" * 32, "escalation_policy": "Book Keepers"},
    ]
    return seed | {"services": services}


@pytest.mark.parametrize("user", ["second-line@example.com", "Second-Line@Example.com", "PSECOND", "Ben Second-Line"])
async def test_a_user_gets_it_by_address_id_or_name(
    connect: Connect, sandbox: Any, reference: Reference, user: str
) -> None:
    connector = connect(sandbox.address)
    for _ in range(2):  # the second finds it done
        await connector.set_state(reference, to(user))
    incident = await sandbox.incident()
    assert [one["assignee"]["id"] for one in incident["assignments"]] == ["PSECOND"]
    assert await sandbox.writes() == 1


@pytest.mark.parametrize("policy", ["Book Keepers", "book keepers", "PEP0001"])
async def test_an_escalation_policy_gets_it_by_name_or_id(
    connect: Connect, sandbox: Any, reference: Reference, policy: str
) -> None:
    connector = connect(sandbox.address)
    for _ in range(2):
        await connector.set_state(reference, to(policy))
    assert (await sandbox.incident())["escalation_policy"]["summary"] == "Book Keepers"
    assert await sandbox.writes() == 1


async def test_nobody_by_that_name_is_rejected(connect: Connect, sandbox: Any, reference: Reference) -> None:
    for assignee in ("second", "Ben", "nobody@example.com"):
        with pytest.raises(Rejected, match="no user and no escalation policy"):
            await connect(sandbox.address).set_state(reference, to(assignee))


async def test_two_of_one_name_are_rejected(
    connect: Connect, loopback: Any, seed: dict[str, Any], reference: Reference
) -> None:
    users = [{"id": f"P{one}", "name": "Kim", "email": f"{one}@example.com"} for one in "AB"]
    address = loopback(create_app(SandboxSettings(seed=seed | {"users": users})))
    with pytest.raises(Rejected, match="give an id"):
        await connect(address).set_state(reference, to("Kim"))


async def test_a_resolved_incident_can_be_given_to_nobody(connect: Connect, sandbox: Any, reference: Reference) -> None:
    await sandbox.change(status="resolved")
    with pytest.raises(Rejected, match="is resolved"):
        await connect(sandbox.address).set_state(reference, to("PSECOND"))


@pytest.mark.parametrize(("ignored", "assignee"), [("assignments", "PSECOND"), ("escalation_policy", "PEP0001")])
async def test_an_assignment_that_was_taken_and_not_made_is_rejected(
    connect: Connect, sandbox: Any, reference: Reference, ignored: str, assignee: str
) -> None:
    await sandbox.request("PUT", "/sandbox/trouble", {"ignored": [ignored]})
    with pytest.raises(Rejected, match="took"):
        await connect(sandbox.address).set_state(reference, to(assignee))
