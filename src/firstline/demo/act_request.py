"""Act 3: requests reach the service desk's portal. One is matched, asked about, let go by a second person, and run."""

from dataclasses import dataclass

from firstline.demo import answer, collect, fault, vendor
from firstline.demo.people import APPROVER
from firstline.demo.record import Record
from firstline.demo.seen import Seen
from firstline.demo.stage import Stage, Stuck
from firstline.demo.vendor import PROBLEM, UNLOCK


@dataclass(frozen=True)
class Request:
    who: str
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
    keys = [await vendor.raise_request(stage, each.who, each.kind, each.summary, each.description) for each in REQUESTS]
    seen.request, seen.account = keys[REQUESTS.index(ASKS)], ACCOUNT
    approval = await answer.question(stage, (await answer.remediation(stage, ASKS.summary))["id"])
    await stage.until("the question is on the request", lambda: _noted(stage, seen.request, 1))
    seen.accounts_asked = fault.accounts(stage.place.desk)
    stage.say(f"{seen.request} {ASKS.summary!r}: the hub has named its plan in an internal comment, and waits")
    await stage.pause(1.0)
    if not await answer.approve(stage, approval, APPROVER, "Mara called: it is her."):
        raise Stuck(f"the word of {APPROVER} was not counted")
    stage.say(f"{APPROVER} has approved the plan")
    request = await stage.until("the request is resolved", lambda: _resolved(stage, seen.request))
    await stage.until("the answer is on the request", lambda: _noted(stage, seen.request, 2))
    seen.accounts_after = fault.accounts(stage.place.desk)
    stage.say(f"{request.number} is {request.state}: the account is open again")


async def _noted(stage: Stage, key: str, count: int) -> bool:
    return any(len(request.notes) >= count for request in await collect.requests(stage) if request.number == key)


async def _resolved(stage: Stage, key: str) -> Record | None:
    found = [request for request in await collect.requests(stage) if request.number == key]
    return next((request for request in found if request.state in collect.DONE), None)
