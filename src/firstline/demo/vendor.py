"""What people and other systems do at the vendors: incidents, requests and pages come up, changes are decided."""

from collections.abc import Mapping
from typing import Any

from firstline.demo.people import MANAGER
from firstline.demo.stage import PASSWORD, ROUTING_KEY, Stage, Stuck

IMPORTER = ("event.import", PASSWORD)  # who creates incidents: somebody else than the hub
DESK = "1"
PROBLEM, UNLOCK = "1", "2"  # request types of the sandbox's portal


async def open_incident(stage: Stage, fields: Mapping[str, str]) -> None:
    """ServiceNow, Table API: POST /api/now/v2/table/incident answers 201."""
    address = f"{stage.address('servicenow')}/api/now/v2/table/incident"
    answer = await stage.http.post(address, json=dict(fields), auth=IMPORTER)
    _demand(answer.status_code == 201, "ServiceNow", answer.status_code, answer.text)


async def raise_request(stage: Stage, who: str, kind: str, summary: str, description: str) -> str:
    """Jira Service Management: POST /rest/servicedeskapi/request answers 201 with the issue's key. `who` is an address;
    the sandbox makes people's names from theirs."""
    body: dict[str, Any] = {
        "serviceDeskId": DESK,
        "requestTypeId": kind,
        "requestFieldValues": {"summary": summary, "description": description},
    }
    address = f"{stage.address('jira')}/rest/servicedeskapi/request"
    answer = await stage.http.post(address, json=body, auth=(who, PASSWORD))
    _demand(answer.status_code == 201, "Jira", answer.status_code, answer.text)
    return str(answer.json()["issueKey"])


async def page(stage: Stage, summary: str, source: str) -> None:
    """PagerDuty, Events API v2: POST /v2/enqueue answers 202."""
    told = {"summary": summary, "source": source, "severity": "critical"}
    body = {"routing_key": ROUTING_KEY, "event_action": "trigger", "dedup_key": source, "payload": told}
    answer = await stage.http.post(f"{stage.address('pagerduty')}/v2/enqueue", json=body)
    _demand(answer.status_code == 202, "PagerDuty", answer.status_code, answer.text)


async def approve_change(stage: Stage, number: str, comment: str) -> None:
    """The change manager presses Approve in ServiceNow."""
    address = f"{stage.address('servicenow')}/sandbox/change/{number}/approve"
    answer = await stage.http.post(address, json={"by": MANAGER, "comment": comment})
    _demand(answer.is_success, "ServiceNow", answer.status_code, answer.text)


def _demand(right: bool, whose: str, status: int, text: str) -> None:
    if not right:
        raise Stuck(f"{whose}'s sandbox answered {status}: {text[:500]}")
