"""The same fault elsewhere, as PagerDuty's own integrations record it on an incident."""

from collections.abc import Callable
from typing import Any

import pytest

from firstline.incident import Link, Reference
from firstline_pagerduty.connector import PagerDutyConnector
from firstline_pagerduty.link import links

SYS_ID = "9d385017c611228701d22104cc95c371"
SNOW = f"https://acme.service-now.com/nav_to.do?uri=incident.do%3Fsys_id%3D{SYS_ID}"


def reference(ticket: str, url: str = "", keeper: str = "", **more: Any) -> dict[str, Any]:
    return {"external_id": ticket, "external_url": url, "webhook": {"id": "P1", "summary": keeper}, **more}


@pytest.mark.parametrize(
    ("row", "link"),
    [
        (reference("INC0010001", SNOW), Link(system="servicenow", id=SYS_ID, number="INC0010001")),
        (reference(SYS_ID, keeper="ServiceNow (v7)"), Link(system="servicenow", id=SYS_ID)),
        (reference("INC0010001"), Link(system="servicenow", number="INC0010001")),
        (reference("10042", "https://acme.atlassian.net/browse/OPS-17"), Link(system="jira", number="OPS-17")),
        (reference("OPS-17", keeper="Jira Cloud"), Link(system="jira", number="OPS-17")),
        (reference("OPS-17", "https://tickets.acme.example/browse/OPS-17"), Link(system="jira", number="OPS-17")),
    ],
)
def test_a_ticket_is_known_by_its_address_its_number_or_its_keeper(row: dict[str, Any], link: Link) -> None:
    assert links([row, row]) == (link,)


@pytest.mark.parametrize(
    "rows",
    [
        None,
        {},
        "x",
        [None],
        [{}],
        [{"webhook": "Jira"}],
        [reference("", keeper="Jira Cloud")],
        [reference("1506438878.000302", "http://acme.slack.com/archives/C1/p1", "Slack")],
    ],
)
def test_what_is_no_ticket_is_no_link(rows: Any) -> None:
    assert links(rows) == ()


@pytest.mark.anyio
async def test_a_fetched_incident_has_the_tickets_that_pagerduty_made(
    connect: Callable[..., PagerDutyConnector], sandbox: Any, reference: Reference
) -> None:
    rows = [{"external_id": "OPS-17", "webhook": {"summary": "Jira Cloud"}}]
    await sandbox.request("PUT", f"/sandbox/incidents/{reference.id}/external_references", rows)
    assert (await connect(sandbox.address).fetch(reference)).links == (Link(system="jira", number="OPS-17"),)
