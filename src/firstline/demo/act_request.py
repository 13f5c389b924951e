"""Act 3: requests reach the service desk's portal. One is matched, asked about, let go by a second person, and run."""

from dataclasses import dataclass
from typing import Any

from firstline.demo import collect, fault
from firstline.demo.proof import Seen
from firstline.demo.record import Record
from firstline.demo.stage import APPROVER, PASSWORD, Stage, Stuck

DESK = "1"
PROBLEM, UNLOCK = "1", "2"  # request types of the sandbox's portal


@dataclass(frozen=True)
class Request:
    who: str  # the sandbox makes people's names from their addresses
    kind: str
    summary: str
    description: str


REQUESTS = (
    Request(
        "jonas.brandt@example.com", PROBLEM, "My second screen stays dark", "It did since Monday; the cable is new."
    ),
    Request("mara.keller@example.com", UNLOCK, "Please unlock my account", "I mistyped my new password this morning."),
    Request(
        "jonas.brandt@example.com", PROBLEM, "The travel form leads nowhere", "The link on the intranet is broken."
    ),
)
ASKS, ACCOUNT = REQUESTS[1], "Mara Keller"


async def play(stage: Stage, seen: Seen) -> None:
    seen.accounts_before = fault.accounts(stage.place.desk)
    stage.say(f"{len(REQUESTS)} requests reach the portal of Jira Service Management")
    keys = [await _raise(stage, request) for request in REQUESTS]
    seen.request, seen.account = keys[REQUESTS.index(ASKS)], ACCOUNT
    approval = await stage.until("the hub asks for an approval", lambda: _question(stage))
    await stage.until("the question is on the request", lambda: _noted(stage, seen.request, 1))
    seen.accounts_asked = fault.accounts(stage.place.desk)
    stage.say(f"{seen.request} {ASKS.summary!r}: the hub has named its plan in an internal comment, and waits")
    await stage.pause(1.0)
    await stage.until("the hub takes the approval", lambda: _approved(stage, approval["id"]))
    stage.say(f"{APPROVER} has approved the plan")
    request = await stage.until("the request is resolved", lambda: _resolved(stage, seen.request))
    await stage.until("the answer is on the request", lambda: _noted(stage, seen.request, 2))
    seen.accounts_after = fault.accounts(stage.place.desk)
    stage.say(f"{request.number} is {request.state}: the account is open again")


async def _raise(stage: Stage, request: Request) -> str:
    """Jira Service Management: POST /rest/servicedeskapi/request answers 201 with the issue's key."""
    body = {
        "serviceDeskId": DESK,
        "requestTypeId": request.kind,
        "requestFieldValues": {"summary": request.summary, "description": request.description},
    }
    address = f"{stage.address('jira')}/rest/servicedeskapi/request"
    answer = await stage.http.post(address, json=body, auth=(request.who, PASSWORD))
    if answer.status_code != 201:
        raise Stuck(f"Jira's sandbox answered {answer.status_code} to {request.summary!r}: {answer.text[:500]}")
    return str(answer.json()["issueKey"])


async def _approved(stage: Stage, approval: str) -> bool:
    """Approve, as the second person. 409 says that it is answered: an answer of ours got lost on its way back."""
    answer = await stage.call_hub("POST", f"/approvals/{approval}/approve", json={"comment": "Mara called: it is her."})
    return answer.is_success or answer.status_code == 409


async def _question(stage: Stage) -> dict[str, Any] | None:
    waiting = (await stage.ask_hub("/approvals", state="waiting"))["items"]
    return waiting[0] if waiting else None


async def _noted(stage: Stage, key: str, count: int) -> bool:
    return any(len(request.notes) >= count for request in await collect.requests(stage) if request.number == key)


async def _resolved(stage: Stage, key: str) -> Record | None:
    found = [request for request in await collect.requests(stage) if request.number == key]
    return next((request for request in found if request.state in collect.DONE), None)
