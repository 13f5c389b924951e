"""The list of remediations, one of them with its timeline, and the way in."""

from functools import partial
from urllib.parse import parse_qs

import sqlalchemy as sa
from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from firstline.access import Person, Right
from firstline.access import sign_in as sign_ins
from firstline.hub import Hub
from firstline.remediation.plan import Plan, steps
from firstline.store.table import REMEDIATION
from firstline.web.api.access import COOKIE, TheHub, came, person_with
from firstline.web.api.page import page
from firstline.web.api.remediation import SUMMARY, whole
from firstline.web.api.scope import reach
from firstline.web.portal.page import for_people, rendered

router = APIRouter(include_in_schema=False, max_body_size=4_096)


@router.get("/")
async def home() -> Response:
    return RedirectResponse("/remediations", 303)


@router.get("/sign-in")
async def sign_in_page() -> Response:
    return rendered("sign_in.html")


@router.post("/sign-in")
async def sign_in(request: Request, hub: TheHub) -> Response:
    form = parse_qs((await request.body()).decode("utf-8", "replace"))
    token = form.get("token", [""])[0].strip()
    person = await person_with(request, token) if token else None
    if person is None:
        return rendered("sign_in.html", 401, wrong=True)
    await hub.database.write(lambda connection: sign_ins.signed_in(connection, person.name, came(request)))
    answer = RedirectResponse("/remediations", 303)
    secure = hub.settings.url.startswith("https:")
    answer.set_cookie(COOKIE, token, max_age=12 * 3600, httponly=True, secure=secure, samesite="strict")
    return answer


@router.get("/remediations")
async def remediations(request: Request, hub: TheHub, before: str = "") -> Response:
    """Newest first."""
    return await for_people(request, partial(_list, hub, before))


@router.get("/remediations/{remediation_id}")
async def remediation(request: Request, remediation_id: str, hub: TheHub) -> Response:
    """One, whole: why it matched, what ran, who let it, what was written."""
    return await for_people(request, partial(_one, hub, remediation_id))


async def _list(hub: Hub, before: str, person: Person) -> Response:
    query = sa.select(*SUMMARY).where(reach(hub, person, Right.SEE, REMEDIATION))
    found = await page(hub.database, query, REMEDIATION.c.id, 50, before)
    return rendered("remediations.html", rows=found.items, older=found.next)


async def _one(hub: Hub, remediation_id: str, person: Person) -> Response:
    row = await whole(hub, person, remediation_id)
    if row is None:
        return rendered("missing.html", 404, kind="remediation")
    plan = Plan.model_validate(row["plan"])
    return rendered("remediation.html", row=row, plan=plan, steps=steps(plan))
