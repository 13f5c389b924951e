"""The connections as sources of events: how far each was polled, and the proofs that nothing is missing."""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, HTTPException
from pydantic import AwareDatetime, BaseModel, Field

from firstline.intake import source
from firstline.intake.reconcile import sentence
from firstline.store.table import RECONCILIATION, now
from firstline.web.api.access import GoverningAll, Seeing, TheHub
from firstline.web.api.page import Before, Limit, Page, page

router = APIRouter(tags=["connections"])


class SourceShown(BaseModel):
    connection: str
    way: str = Field(description="push, poll or both")
    watched_from: datetime
    cursor: datetime | None = Field(description="By the vendor's clock: all before is here. null: never polled.")
    polled_at: datetime | None
    trouble: str = Field(description="Why the last poll did not come to its end.")
    pushed_at: datetime | None = Field(description="When its webhook last brought something.")
    silent_since: datetime | None = Field(description="Since when only polls bring what its webhook should.")
    verified_to: datetime | None = Field(description="Nothing opened before is missing.")


class ReconciliationShown(BaseModel):
    id: str
    connection: str
    since: datetime
    until: datetime
    there: int = Field(description="Incidents that the vendor has in the period.")
    seen: int = Field(description="Of those, known before it began.")
    fetched: int = Field(description="Of those, brought by it.")
    hidden: int = Field(description="Counted by the vendor, not shown to our account.")
    began_at: datetime
    ended_at: datetime | None
    trouble: str = Field(description="Why it proves nothing; empty: nothing is missing.")
    sentence: str


class Period(BaseModel):
    since: AwareDatetime | None = Field(default=None, description="Default: a day before the end.")
    until: AwareDatetime | None = Field(default=None, description="Excluded; default: now.")


@router.get("/connections/{name}/source", response_model=SourceShown)
async def shown(name: str, hub: TheHub, _: Seeing) -> dict[str, Any]:
    """How far its events were brought, and by which way."""
    _known(hub, name)
    kept = await hub.database.read(lambda connection: source.read(connection, name))
    return {**kept, "way": hub.settings.intake(name).way}


@router.get("/connections/{name}/reconciliations", response_model=Page[ReconciliationShown])
async def proofs(name: str, hub: TheHub, _: Seeing, limit: Limit = 50, before: Before = "") -> Page[dict[str, Any]]:
    """The completeness proofs, newest first."""
    _known(hub, name)
    query = sa.select(RECONCILIATION).where(RECONCILIATION.c.connection == name)
    found = await page(hub.database, query, RECONCILIATION.c.id, limit, before)
    return found.model_copy(update={"items": [{**row, "sentence": sentence(row)} for row in found.items]})


@router.post("/connections/{name}/reconcile", response_model=ReconciliationShown)
async def reconcile(name: str, period: Period, hub: TheHub, _: GoverningAll) -> dict[str, Any]:
    """Count a period now and bring what is missing; answers when it is done."""
    _known(hub, name)
    until = period.until or now()
    since = period.since or until - timedelta(days=1)
    if since >= until:
        raise HTTPException(422, "`since` must be before `until`")
    row = await hub.reconciler.reconcile(name, since, until)
    return {**row, "sentence": sentence(row)}


def _known(hub: TheHub, name: str) -> None:
    if name not in hub.connections:
        raise HTTPException(404, f"there is no connection {name}")
