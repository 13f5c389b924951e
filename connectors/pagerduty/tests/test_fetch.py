from collections.abc import Callable
from typing import Any

import pytest

from firstline.errors import Rejected
from firstline.incident import IncidentState, Reference
from firstline_pagerduty.connector import PagerDutyConnector

pytestmark = pytest.mark.anyio

Connect = Callable[..., PagerDutyConnector]


async def test_an_incident_is_read_as_it_is_now(connect: Connect, sandbox: Any, reference: Reference) -> None:
    await sandbox.change(status="acknowledged", priority="P2")
    incident = await connect(sandbox.address).fetch(reference)
    assert (incident.title, incident.state) == ("The shop does not answer", IncidentState.ACKNOWLEDGED)
    assert (incident.priority, incident.urgency, incident.service) == (2, 1, "shop")
    assert (incident.reference.number, incident.group) == ("#1", "Default")
    assert incident.updated_at is not None
    assert incident.version == int(incident.updated_at.timestamp() * 1000)
    assert incident.opened_at is not None


async def test_what_the_monitoring_said_is_the_description(connect: Connect, sandbox: Any) -> None:
    told = {
        "summary": "Disk full",
        "source": "db1",
        "severity": "critical",
        "custom_details": {"free": "1%", "disk": "/"},
    }
    event = {"routing_key": "sandbox-routing-key".ljust(32, "0"), "event_action": "trigger", "payload": told}
    await sandbox.request("POST", "/v2/enqueue", event)
    opened = (await sandbox.state())["incidents"][-1]
    incident = await connect(sandbox.address).fetch(Reference(connection="pd", kind="incident", id=opened["id"]))
    assert incident.title == "Disk full"
    assert incident.description == "free: 1%\ndisk: /"
    assert incident.data["body"]["details"] == {"free": "1%", "disk": "/"}


async def test_it_takes_one_request(connect: Connect, sandbox: Any, reference: Reference) -> None:
    before = (await sandbox.state())["requests"]["total"]
    await connect(sandbox.address).fetch(reference)
    assert (await sandbox.state())["requests"]["total"] == before + 1


FOUND = {"incident": {"id": "Q3B15VLMF3ASBD", "status": "triggered", "title": "The shop does not answer"}}


async def test_an_account_that_knows_an_include_less_is_asked_for_less_from_then_on(
    connect: Connect, loopback: Any, vendor: Any, reference: Reference
) -> None:
    """The schema's text names `include[]=body`, its list of allowed values does not."""
    refusal = {"error": {"message": "Invalid Input Provided", "code": 2001, "errors": ["Include is invalid"]}}
    fake = vendor((400, refusal), (400, refusal), (200, FOUND))
    connector = connect(loopback(fake))
    for asked in (3, 4):
        incident = await connector.fetch(reference)
        assert (incident.title, incident.description) == ("The shop does not answer", "")
        assert len(fake.asked) == asked


async def test_an_incident_that_is_not_there_is_asked_for_once(
    connect: Connect, loopback: Any, vendor: Any, reference: Reference
) -> None:
    fake = vendor((404, {"error": {"message": "Not Found", "code": 2100}}))
    with pytest.raises(Rejected, match="Not Found"):
        await connect(loopback(fake)).fetch(reference)
    assert fake.methods == ["GET"]


async def test_a_read_carries_what_the_schema_asks_for(
    connect: Connect, loopback: Any, vendor: Any, reference: Reference
) -> None:
    fake = vendor((200, FOUND))
    await connect(loopback(fake)).fetch(reference)
    ((_, _, headers, _),) = fake.asked
    assert headers["accept"] == "application/vnd.pagerduty+json;version=2"
    assert headers["content-type"] == "application/json"


async def test_an_id_of_any_plain_characters_is_asked_for(connect: Connect, loopback: Any, vendor: Any) -> None:
    fake = vendor((200, {"incident": FOUND["incident"] | {"id": "P_1-a"}}))
    incident = await connect(loopback(fake)).fetch(Reference(connection="pd", kind="incident", id="P_1-a"))
    assert incident.reference.id == "P_1-a"
