"""What an incident shows beside its words: service levels, and the same fault in another system."""

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from firstline.connector import Delivery
from firstline.incident import Link, Reference
from firstline_jira.agreement import agreements
from firstline_jira.connector import JiraConnector
from firstline_jira.link import links

pytestmark = pytest.mark.anyio

SYS_ID = "9d385017c611228701d22104cc95c371"
DUE = {"epochMillis": 1_790_028_800_000}


def sla(**cycles: Any) -> dict[str, Any]:
    return {"id": "1", "name": "Time to resolution", "_links": {"self": "https://e/sla/1"}} | cycles


@pytest.mark.parametrize(
    ("value", "breached", "due"),
    [
        (sla(completedCycles=[], ongoingCycle={"breachTime": DUE, "breached": False, "paused": False}), False, True),
        (sla(ongoingCycle={"breachTime": DUE, "breached": True}), True, True),
        (sla(ongoingCycle={"breachTime": DUE, "breached": False, "paused": True}), False, False),
        (sla(completedCycles=[{"breached": False}, {"breached": True}]), True, False),
        (sla(ongoingCycle={"breachTime": {"epochMillis": "soon"}}), False, False),
    ],
)
def test_a_service_level_field_is_an_agreement(value: dict[str, Any], breached: bool, due: bool) -> None:
    (agreement,) = agreements({"customfield_10030": value, "customfield_10031": "words", "status": {"name": "Open"}})
    assert (agreement.name, agreement.breached, agreement.due_at is not None) == ("Time to resolution", breached, due)


@pytest.mark.parametrize("value", [None, [], {}, sla(), sla(completedCycles=[]), {"requestType": {"name": "r"}}])
def test_what_is_no_service_level_or_never_began_is_no_agreement(value: Any) -> None:
    assert agreements({"customfield_10030": value}) == ()


@pytest.mark.parametrize(
    ("value", "system", "expected"),
    [
        ("https://acme.pagerduty.com/incidents/Q1ABCDEF", "", [Link(system="pagerduty", id="Q1ABCDEF")]),
        ("https://acme.eu.pagerduty.com/incidents/PT4KHLK?x=1", "", [Link(system="pagerduty", id="PT4KHLK")]),
        (
            f"https://acme.service-now.com/nav_to.do?uri=incident.do?sys_id={SYS_ID}",
            "",
            [Link(system="servicenow", id=SYS_ID)],
        ),
        (f"https://acme.service-now.com/x?sys_id%3D{SYS_ID}", "", [Link(system="servicenow", id=SYS_ID)]),
        ("INC0010001", "servicenow", [Link(system="servicenow", number="INC0010001")]),
        (SYS_ID, "servicenow", [Link(system="servicenow", id=SYS_ID)]),
        ("Q1ABCDEF", "pagerduty", [Link(system="pagerduty", id="Q1ABCDEF")]),
        ("1234", "pagerduty", [Link(system="pagerduty", number="1234")]),
        ("INC0010001", "", []),
        ("see INC0010001", "servicenow", []),
        ("https://pagerduty.com.evil.example/incidents/Q1ABCDEF", "", []),
        (f"https://evil.example/?sys_id={SYS_ID}", "", []),
    ],
)  # fmt: skip
def test_the_same_fault_elsewhere_is_told_by_integration_fields(value: str, system: str, expected: list[Link]) -> None:
    named = {"customfield_10040": system} if system else {}
    assert list(links({"customfield_10040": value, "summary": value}, named)) == expected


def test_one_link_in_two_fields_is_one() -> None:
    url = "https://acme.pagerduty.com/incidents/Q1ABCDEF"
    assert len(links({"customfield_1": url, "customfield_2": f"page: {url}"}, {})) == 1


async def test_a_fetched_incident_shows_both(jira: JiraConnector, site: httpx.AsyncClient, incident: Reference) -> None:
    address = {"customfield_10033": "https://acme.pagerduty.com/incidents/Q1ABCDEF"}
    await site.put("/rest/api/3/issue/HELP-1", json={"fields": address})
    found = await jira.fetch(incident)
    assert found.links == (Link(system="pagerduty", id="Q1ABCDEF"),)
    assert [agreement.name for agreement in found.agreements] == ["Time to resolution"]
    assert found.agreements[0].due_at is not None


async def test_a_request_whose_fields_show_no_service_level_is_asked_for_it(
    jira: JiraConnector, site: httpx.AsyncClient, incident: Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    from firstline_jira.sandbox import workflow

    monkeypatch.setitem(workflow.AGREEMENT, "id", "not-in-the-issue")
    assert [agreement.name for agreement in (await jira.fetch(incident)).agreements] == ["Time to resolution"]
    other = incident.model_copy(update={"id": "10002"})
    assert (await jira.fetch(other)).agreements == ()


async def test_links_of_the_issue_to_the_web_are_read_where_asked_for(
    make: Any, address: str, site: httpx.AsyncClient, incident: Reference
) -> None:
    for url in ("https://acme.pagerduty.com/incidents/Q1ABCDEF", "https://example.com/wiki"):
        await site.post("/rest/api/3/issue/HELP-1/remotelink", json={"object": {"url": url, "title": "t"}})
    assert (await make(address).fetch(incident)).links == ()
    assert (await make(address, remote_links=True).fetch(incident)).links == (Link(system="pagerduty", id="Q1ABCDEF"),)


async def test_a_webhook_shows_them_too(jira: JiraConnector) -> None:
    fields = {"summary": "s", "customfield_10030": sla(ongoingCycle={"breachTime": DUE}), "customfield_10033": "x"}
    body = {
        "webhookEvent": "jira:issue_created",
        "timestamp": 1,
        "issue": {"id": "1", "key": "HELP-1", "fields": fields},
    }
    raw = json.dumps(body).encode()
    (event,) = jira.translate(Delivery(connection="c", key="k", body=raw, received_at=datetime.now(UTC)))
    assert event.incident is not None
    assert len(event.incident.agreements) == 1
