"""The list of remediations, and one of them with its timeline."""

from functools import partial

import sqlalchemy as sa
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

from firstline.access import Person, Right
from firstline.guard import Hold
from firstline.guard.override import Override
from firstline.hub import Hub
from firstline.remediation.change.settled import is_open
from firstline.remediation.plan import Plan
from firstline.remediation.planning.shown import shown
from firstline.store.table import REMEDIATION, RUN, now
from firstline.web.api.access import TheHub, everywhere
from firstline.web.api.page import page
from firstline.web.api.remediation import SUMMARY, Settling, settled, whole
from firstline.web.api.scope import reach
from firstline.web.portal.form import LIMIT, acting, seal_of
from firstline.web.portal.output import head_and_tail
from firstline.web.portal.page import for_people, rendered
from firstline.web.portal.proof import proof

router = APIRouter(include_in_schema=False, max_body_size=LIMIT)

_BEGUN = sa.exists().where(RUN.c.remediation_id == REMEDIATION.c.id, RUN.c.phase == "step")
_LISTED = [*SUMMARY, REMEDIATION.c.holds, REMEDIATION.c.changes, _BEGUN.label("begun")]


@router.get("/remediations")
async def remediations(request: Request, hub: TheHub, before: str = "") -> Response:
    """Newest first."""
    return await for_people(request, partial(_list, hub, before))


@router.get("/remediations/{remediation_id}")
async def remediation(request: Request, remediation_id: str, hub: TheHub) -> Response:
    """One, whole: why it matched, what holds it, what ran, who let it, what was written, and what proves it."""
    return await for_people(request, partial(_one, hub, remediation_id, seal_of(request)))


@router.post("/remediations/{remediation_id}")
async def settle(request: Request, remediation_id: str, hub: TheHub) -> Response:
    """A person says how one ended that the hub can't know of."""
    try:
        person, sent = await acting(request)
        if not person.may(Right.RUN):
            raise HTTPException(403, f"{person.name} may not run anything")
        said = Settling.model_validate({"ended": sent.get("ended"), "reason": sent.get("reason")})
        await settled(remediation_id, hub, person, said)
    except ValidationError:
        return rendered("answer.html", 422, said="say how it ended, and how you know")
    except HTTPException as error:
        return rendered("answer.html", error.status_code, said=error.detail)
    return RedirectResponse(f"/remediations/{remediation_id}", 303)


async def _list(hub: Hub, before: str, person: Person) -> Response:
    query = sa.select(*_LISTED).where(reach(hub, person, Right.SEE, REMEDIATION))
    found = await page(hub.database, query, REMEDIATION.c.id, 50, before)
    return rendered("remediations.html", rows=found.items, older=found.next, reader=person)


async def _one(hub: Hub, remediation_id: str, seal: str, person: Person) -> Response:
    looked_at = now()
    row = await whole(hub, person, remediation_id)
    if row is None:
        return rendered("missing.html", 404, kind="remediation", reader=person)
    plan = Plan.model_validate(row["plan"])
    where = {"pack": row["pack"], "environment": row["environment"]}
    return rendered(
        "remediation.html",
        row={**row, "begun": any(run["phase"] == "step" for run in row["runs"])},
        title=plan.runbook.title,
        plan=shown(plan),
        holds=[Hold.model_validate(each) for each in row["holds"] or ()],
        override=Override.model_validate(row["override"]) if row["override"] else None,
        looked_at=looked_at,
        printed={run["id"]: await head_and_tail(hub, run) for run in row["runs"] if run["ended_at"] and run["output"]},
        proof=await hub.database.read(partial(proof, remediation_id=remediation_id)),
        settles=person.may(Right.RUN, **where) and await hub.database.read(partial(is_open, row=row)),
        seal=seal,
        takes_evidence=everywhere(hub, person, Right.SEE) or person.may(Right.GOVERN, **where),
        reader=person,
    )
