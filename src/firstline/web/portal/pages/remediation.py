"""The list of remediations, and one of them with its timeline."""

from functools import partial

import sqlalchemy as sa
from fastapi import APIRouter, Request
from fastapi.responses import Response

from firstline.access import Person, Right
from firstline.guard import Hold
from firstline.guard.override import Override
from firstline.hub import Hub
from firstline.remediation.plan import Plan
from firstline.remediation.planning.shown import shown
from firstline.store.table import REMEDIATION, RUN, now
from firstline.web.api.access import TheHub, everywhere
from firstline.web.api.page import page
from firstline.web.api.remediation import SUMMARY, whole
from firstline.web.api.scope import reach
from firstline.web.portal.output import head_and_tail
from firstline.web.portal.page import for_people, rendered
from firstline.web.portal.proof import proof

router = APIRouter(include_in_schema=False)

_BEGUN = sa.exists().where(RUN.c.remediation_id == REMEDIATION.c.id, RUN.c.phase == "step")
_LISTED = [*SUMMARY, REMEDIATION.c.holds, REMEDIATION.c.changes, _BEGUN.label("begun")]


@router.get("/remediations")
async def remediations(request: Request, hub: TheHub, before: str = "") -> Response:
    """Newest first."""
    return await for_people(request, partial(_list, hub, before))


@router.get("/remediations/{remediation_id}")
async def remediation(request: Request, remediation_id: str, hub: TheHub) -> Response:
    """One, whole: why it matched, what holds it, what ran, who let it, what was written, and what proves it."""
    return await for_people(request, partial(_one, hub, remediation_id))


async def _list(hub: Hub, before: str, person: Person) -> Response:
    query = sa.select(*_LISTED).where(reach(hub, person, Right.SEE, REMEDIATION))
    found = await page(hub.database, query, REMEDIATION.c.id, 50, before)
    return rendered("remediations.html", rows=found.items, older=found.next, reader=person)


async def _one(hub: Hub, remediation_id: str, person: Person) -> Response:
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
        takes_evidence=everywhere(hub, person, Right.SEE) or person.may(Right.GOVERN, **where),
        reader=person,
    )
