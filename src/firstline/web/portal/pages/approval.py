"""What waits for whom, one question with its plan, and the answer: signed in, or by the link of a notification."""

from functools import partial
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from firstline import access
from firstline.access import Person, Right
from firstline.errors import Rejected, Unauthorized
from firstline.guard import Hold
from firstline.hub import Hub
from firstline.remediation import approval
from firstline.remediation.approval import Answer, NotCounted, Verdict, Way
from firstline.remediation.hold.verdict import why
from firstline.remediation.note.text import asked
from firstline.remediation.notification.link import opened
from firstline.remediation.planning.shown import shown
from firstline.store.table import now
from firstline.web.api.access import TheHub
from firstline.web.portal.form import LIMIT, acting, fields, seal_of
from firstline.web.portal.page import for_people, rendered

router = APIRouter(include_in_schema=False, max_body_size=LIMIT)

_VERDICTS: dict[str, Verdict] = {"approve": "approved", "refuse": "refused"}
COMMENT = 2000  # characters


@router.get("/approvals")
async def approvals(request: Request, hub: TheHub, before: str = "") -> Response:
    """What waits for who is signed in, newest first."""
    return await for_people(request, partial(_list, hub, before), Right.SEE, Right.APPROVE)


@router.get("/approvals/{approval_id}")
async def one(request: Request, approval_id: str, hub: TheHub) -> Response:
    show = partial(_one, hub, approval_id, {"action": f"/approvals/{approval_id}", "seal": seal_of(request)})
    return await for_people(request, show, Right.SEE, Right.APPROVE)


@router.post("/approvals/{approval_id}")
async def answer(request: Request, approval_id: str, hub: TheHub) -> Response:
    try:
        person, sent = await acting(request)
    except HTTPException as error:
        return rendered("answer.html", error.status_code, said=error.detail)
    form = {"action": f"/approvals/{approval_id}", "seal": seal_of(request)}
    trouble = await _answer(hub, approval_id, person, "portal", sent)
    if trouble:
        return await _one(hub, approval_id, form, person, trouble)
    return RedirectResponse(f"/approvals/{approval_id}", 303)


@router.get("/answer/{text}")
async def linked(text: str, hub: TheHub) -> Response:
    """The plan, for who has the link. It only reads: what guards a mailbox follows links by itself."""
    return await _by_link(hub, text, None)


@router.post("/answer/{text}")
async def answer_linked(request: Request, text: str, hub: TheHub) -> Response:
    return await _by_link(hub, text, await fields(request))


async def _by_link(hub: Hub, text: str, sent: dict[str, str] | None) -> Response:
    """The link says who answers, so it needs no session, and no other site can have it sent for somebody."""
    try:
        link = opened(hub.context.notifier.seal, text, now())
    except Unauthorized as error:
        return rendered("answer.html", 403, said=str(error))
    person = await hub.database.read(lambda connection: access.find(connection, link.person))
    if person is None:
        return rendered("answer.html", 403, said=f"{link.person} is nobody here, or off")
    trouble = ("", 200)
    if sent is not None:
        bound = {**sent, "plan": link.digest}
        trouble = await _answer(hub, link.approval_id, person, "link", bound) or trouble
    return await _one(hub, link.approval_id, {"action": f"/answer/{text}", "seal": ""}, person, trouble)


async def _answer(hub: Hub, approval_id: str, person: Person, way: Way, sent: dict[str, str]) -> tuple[str, int] | None:
    """Why it was not taken, and the status for it; None: it was."""
    verdict = _VERDICTS.get(sent.get("verdict", ""))
    if verdict is None:
        return "approve or refuse", 422
    if verdict == "refused" and not sent.get("comment"):
        return "say why: a refusal needs a reason", 422
    words = (sent.get("comment", "")[:COMMENT], sent.get("giver", ""), sent.get("plan", ""))
    try:
        await approval.answer(hub.context, approval_id, Answer(verdict, person, way, *words))
    except NotCounted as error:
        return str(error), 403
    except Rejected as error:
        return str(error), 409
    return None


async def _list(hub: Hub, before: str, person: Person) -> Response:
    found = await hub.database.read(lambda connection: approval.waiting(connection, person, 50, before, now()))
    return rendered("approvals.html", questions=found.questions, older=found.next, reader=person)


async def _one(
    hub: Hub, approval_id: str, form: dict[str, str], person: Person, trouble: tuple[str, int] = ("", 200)
) -> Response:
    view = await hub.database.read(lambda connection: approval.look(connection, approval_id, person, now()))
    if view is None:
        return rendered("answer.html", 404, said="There is no such question.")
    question = view.question
    values: dict[str, Any] = {
        "question": question,
        "plan": shown(question.plan),
        "asked": asked(question.plan),
        "view": view,
        "waits": question.waits(now()),
        "holds": await _holds(hub, question.remediation_id),
        "person": person,
        "reader": person if form["seal"] else None,  # who comes by a link is not signed in
        **form,
    }
    said, status = trouble
    return rendered("approval.html", status, said=said, **values)


async def _holds(hub: Hub, remediation_id: str) -> list[Hold]:
    """What would hold it now, when it is let go."""
    rules, windows = hub.settings.guards, hub.calendars.windows
    found = await hub.database.read(lambda connection: why(connection, remediation_id, rules, windows, now()))
    return [hold for each in found if not each.covered for hold in each.holds if hold.guard != "change"]
