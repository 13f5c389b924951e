"""Remediations, each with its timeline, runs, approvals and write-backs."""

from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, HTTPException
from fastapi.responses import PlainTextResponse

from firstline.access import Person, Right
from firstline.errors import Rejected
from firstline.hub import Hub
from firstline.remediation.change.settled import Ended, settle
from firstline.remediation.note.log import log_of
from firstline.remediation.timeline import lines
from firstline.store.table import APPROVAL, REMEDIATION, RUN, WRITE_BACK
from firstline.web.api.access import Running, Seeing, TheHub
from firstline.web.api.guard import Because
from firstline.web.api.model import RemediationSummary, RemediationWhole
from firstline.web.api.page import Before, Limit, Page, page
from firstline.web.api.scope import admit, reach

router = APIRouter(tags=["remediations"])

SUMMARY = [
    REMEDIATION.c.id,
    REMEDIATION.c.connection,
    REMEDIATION.c.mapping,
    REMEDIATION.c.mode,
    REMEDIATION.c.environment,
    REMEDIATION.c.stage,
    REMEDIATION.c.outcome,
    REMEDIATION.c.reason,
    REMEDIATION.c.approved_by,
    REMEDIATION.c.incident,
    REMEDIATION.c.change,
    REMEDIATION.c.plan_digest,
    REMEDIATION.c.created_at,
    REMEDIATION.c.ended_at,
]


@router.get("/remediations", response_model=Page[RemediationSummary])
async def remediations(
    hub: TheHub,
    person: Seeing,
    stage: str = "",
    outcome: str = "",
    connection: str = "",
    limit: Limit = 50,
    before: Before = "",
) -> Page[dict[str, Any]]:
    """Newest first. `incident` is given without the vendor's data."""
    query = sa.select(*SUMMARY).where(reach(hub, person, Right.SEE, REMEDIATION))
    for column, value in (
        (REMEDIATION.c.stage, stage),
        (REMEDIATION.c.outcome, outcome),
        (REMEDIATION.c.connection, connection),
    ):
        if value:
            query = query.where(column == value)
    found = await page(hub.database, query, REMEDIATION.c.id, limit, before)
    for each in found.items:
        each["incident"].pop("data", None)
    return found


@router.get("/remediations/{remediation_id}", response_model=RemediationWhole)
async def remediation(remediation_id: str, hub: TheHub, person: Seeing) -> dict[str, Any]:
    """One remediation whole: incident, plan, timeline, runs, approvals, write-backs."""
    found = await whole(hub, person, remediation_id)
    if found is None:
        raise HTTPException(404, f"there is no remediation {remediation_id}")
    return found


@router.get("/remediations/{remediation_id}/log", response_class=PlainTextResponse)
async def log(remediation_id: str, hub: TheHub, person: Seeing) -> PlainTextResponse:
    """What its runs printed, whole, as far as the runbook's `limits.output` lets it be kept; secrets masked."""
    await admit(hub, person, Right.SEE, REMEDIATION, remediation_id)
    # Never as a page: what a command printed may look like one.
    headers = {"X-Content-Type-Options": "nosniff"}
    return PlainTextResponse(await log_of(hub.database, remediation_id), headers=headers)


class Settling(Because):
    ended: Ended


@router.post("/remediations/{remediation_id}/settle")
async def settled(remediation_id: str, hub: TheHub, person: Running, said: Settling) -> Settling:
    """Say how one ended that the hub can't know of (`unknown`), or that was stopped half-way: its change is closed as
    successful (`done`) or unsuccessful (`not_done`), its targets are free, its incident and the ledger tell who said
    so. 409 for any other, and for the second time."""
    await admit(hub, person, Right.RUN, REMEDIATION, remediation_id)
    told = (hub.context, remediation_id, said.ended, person.name, said.reason)
    try:
        await hub.database.write(lambda connection: settle(connection, *told))
    except Rejected as error:
        raise HTTPException(409, str(error)) from error
    hub.context.writes.set()
    return said


async def whole(hub: Hub, person: Person, remediation_id: str) -> dict[str, Any] | None:
    """Everything that belongs to a remediation; None when there is none, or the person may not see it."""
    one = (REMEDIATION.c.id == remediation_id, reach(hub, person, Right.SEE, REMEDIATION))

    def read(connection: sa.Connection) -> dict[str, Any] | None:
        row = connection.execute(sa.select(REMEDIATION).where(*one)).mappings().first()
        if row is None:
            return None
        parts = {"runs": RUN, "approvals": APPROVAL, "write_backs": WRITE_BACK}
        found = {name: _of(connection, table, remediation_id) for name, table in parts.items()}
        return {**row, **found, "timeline": lines(connection, remediation_id)}

    return await hub.database.read(read)


def _of(connection: sa.Connection, table: sa.Table, remediation_id: str) -> list[dict[str, Any]]:
    order = table.c.begun_at if table is RUN else table.c.id
    query = sa.select(table).where(table.c.remediation_id == remediation_id).order_by(order)
    return [dict(row) for row in connection.execute(query).mappings()]
