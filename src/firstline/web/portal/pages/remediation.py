"""The list of remediations, one of them with its timeline, and the way in."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from urllib.parse import parse_qs

import jinja2
import sqlalchemy as sa
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from firstline.access import Person, Right
from firstline.access import sign_in as sign_ins
from firstline.hub import Hub
from firstline.remediation.plan import Plan, steps
from firstline.remediation.text import headline
from firstline.store.table import REMEDIATION
from firstline.web.api.access import COOKIE, TheHub, came, person_of, person_with
from firstline.web.api.page import page
from firstline.web.api.remediation import SUMMARY, whole
from firstline.web.api.scope import reach

router = APIRouter(include_in_schema=False, max_body_size=4_096)

_templates = jinja2.Environment(
    loader=jinja2.PackageLoader("firstline.web.portal"), autoescape=True, trim_blocks=True, lstrip_blocks=True
)
_templates.filters["said"] = lambda row: headline(row["outcome"], changed=bool(row["change"])) or row["stage"]

# No script at all, and nothing from elsewhere: what a ticket says can't become one.
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


@router.get("/")
async def home() -> Response:
    return RedirectResponse("/remediations", 303)


@router.get("/sign-in")
async def sign_in_page() -> Response:
    return _page("sign_in.html")


@router.post("/sign-in")
async def sign_in(request: Request, hub: TheHub) -> Response:
    form = parse_qs((await request.body()).decode("utf-8", "replace"))
    token = form.get("token", [""])[0].strip()
    person = await person_with(request, token) if token else None
    if person is None:
        return _page("sign_in.html", 401, wrong=True)
    await hub.database.write(lambda connection: sign_ins.signed_in(connection, person.name, came(request)))
    answer = RedirectResponse("/remediations", 303)
    secure = hub.settings.url.startswith("https:")
    answer.set_cookie(COOKIE, token, max_age=12 * 3600, httponly=True, secure=secure, samesite="strict")
    return answer


@router.get("/remediations")
async def remediations(request: Request, hub: TheHub, before: str = "") -> Response:
    """Newest first."""
    return await _for_people(request, partial(_list, hub, before))


@router.get("/remediations/{remediation_id}")
async def remediation(request: Request, remediation_id: str, hub: TheHub) -> Response:
    """One, whole: why it matched, what ran, who let it, what was written."""
    return await _for_people(request, partial(_one, hub, remediation_id))


async def _list(hub: Hub, before: str, person: Person) -> Response:
    query = sa.select(*SUMMARY).where(reach(hub, person, Right.SEE, REMEDIATION))
    found = await page(hub.database, query, REMEDIATION.c.id, 50, before)
    return _page("remediations.html", rows=found.items, older=found.next)


async def _one(hub: Hub, remediation_id: str, person: Person) -> Response:
    row = await whole(hub, person, remediation_id)
    if row is None:
        return _page("missing.html", 404)
    plan = Plan.model_validate(row["plan"])
    return _page("remediation.html", row=row, plan=plan, steps=steps(plan), hub=hub.settings.url)


async def _for_people(request: Request, answer: Callable[[Person], Awaitable[Response]]) -> Response:
    person = await person_of(request)
    if person is None or not person.may(Right.SEE):
        return RedirectResponse("/sign-in", 303)
    return await answer(person)


def _page(template: str, status: int = 200, **values: Any) -> HTMLResponse:
    return HTMLResponse(_templates.get_template(template).render(**values), status, _HEADERS)
