"""What is stopped, frozen, open, locked and held, and the kill switches in the hands of those who govern."""

from collections.abc import Mapping
from functools import partial

import sqlalchemy as sa
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from firstline.access import Person, Right
from firstline.hub import Hub
from firstline.remediation.hold import switch
from firstline.web.api import guard as api
from firstline.web.api.access import TheHub
from firstline.web.portal.form import LIMIT, acting, seal_of
from firstline.web.portal.page import for_people, rendered

router = APIRouter(include_in_schema=False, max_body_size=LIMIT)

_ACTS = {"stop": api.stop, "lift": api.lift}
REASON, SCOPE = 2000, 300  # characters


@router.get("/guards")
async def guards(request: Request, hub: TheHub, scope: str = "") -> Response:
    """`scope`: what the form to stop something begins with."""
    return await for_people(request, partial(_shown, hub, seal_of(request), sent={"scope": scope[:SCOPE]}))


@router.post("/guards")
async def act(request: Request, hub: TheHub) -> Response:
    """Throw or lift a kill switch."""
    try:
        person, sent = await acting(request)
    except HTTPException as error:
        return rendered("answer.html", error.status_code, said=error.detail)
    trouble = await _act(hub, person, sent)
    if trouble is None:
        return RedirectResponse("/guards", 303)
    return await for_people(request, partial(_shown, hub, seal_of(request), trouble=trouble, sent=sent))


async def _act(hub: Hub, person: Person, sent: Mapping[str, str]) -> tuple[str, int] | None:
    """Why it was not done, and the status for it; None: it was."""
    do, scope, reason = _ACTS.get(sent.get("act", "")), sent.get("scope", ""), sent.get("reason", "")
    if do is None or not scope or not reason:
        return "say what to stop or lift, and why", 422
    try:
        await do(hub, person, api.Scope(scope=scope, reason=reason[:REASON]))
    except HTTPException as error:
        return error.detail, error.status_code
    return None


async def _shown(
    hub: Hub,
    seal: str,
    person: Person,
    trouble: tuple[str, int] = ("", 200),
    sent: Mapping[str, str] | None = None,
) -> Response:
    seen, said, status = await api.guards(hub, person), *trouble
    mine = await _mine(hub, person, [*_scopes(hub), *(each.scope for each in seen.switches)])
    return rendered(
        "guards.html",
        status,
        said=said,
        sent=sent or {},
        seen=seen,
        seal=seal,
        governs=person.may(Right.GOVERN),
        scopes=[scope for scope in _scopes(hub) if scope in mine],
        mine=mine,
        reader=person,
    )


async def _mine(hub: Hub, person: Person, scopes: list[str]) -> set[str]:
    """Those that a person may throw and lift."""
    environment = hub.settings.hub.environment

    def find(connection: sa.Connection) -> set[str]:
        return {scope for scope in scopes if switch.may(connection, person, scope, environment)}

    return await hub.database.read(find)


def _scopes(hub: Hub) -> list[str]:
    """What can be stopped, as far as it has a name here."""
    found = hub.decider.declarations.matcher.mappings
    runbooks = sorted({f"runbook:{each.pack}/{each.declaration.runbook}" for each in found})
    connections = [f"connection:{name}" for name in sorted(hub.settings.connections)]
    return ["all", f"environment:{hub.settings.hub.environment}", *connections, *runbooks]
