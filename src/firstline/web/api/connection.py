"""The connections: which are paused, and why."""

from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, HTTPException

from firstline.connector import Finding
from firstline.store.table import CONNECTION
from firstline.web.api.access import GoverningAll, Seeing, TheHub
from firstline.web.api.model import ConnectionShown

router = APIRouter(tags=["connections"])


@router.get("/connections", response_model=list[ConnectionShown])
async def listed(hub: TheHub, _: Seeing) -> list[dict[str, Any]]:
    """Each with its connector; `paused_at` and `reason` where it is paused; how long it rests after failures; what was
    asked of it and what its vendor allows; `findings` of the look at the hub's start, null until it was looked at."""
    query = sa.select(CONNECTION).order_by(CONNECTION.c.name)
    rows = await hub.database.read(lambda connection: connection.execute(query).mappings().all())
    return [await _shown(hub, dict(row)) for row in rows if row["name"] in hub.connections]


@router.get("/connections/{name}/check", response_model=list[Finding])
async def check(name: str, hub: TheHub, _: Seeing) -> list[dict[str, Any]]:
    """Look now whether it can work: address, sign-in, rights; each finding with its mend."""
    if name not in hub.connections:
        raise HTTPException(404, f"there is no connection {name}")
    return [hub.context.mask.model(finding).model_dump() for finding in await hub.connections[name].check()]


@router.post("/connections/{name}/resume", status_code=202)
async def resume(name: str, hub: TheHub, _: GoverningAll) -> dict[str, str]:
    """Use a paused connection again. 409 when it is not paused."""
    if name not in hub.connections:
        raise HTTPException(404, f"there is no connection {name}")
    if not await hub.context.governor.resume(name):
        raise HTTPException(409, "it is not paused")
    hub.context.writes.set()
    hub.context.work.set()
    return {"name": name, "state": "in use"}


async def _shown(hub: TheHub, row: dict[str, Any]) -> dict[str, Any]:
    name = row["name"]
    usage, total = await hub.context.governor.usage(name)
    budget = {"limit": usage.limit, "used": usage.used, "resets_at": usage.ends_at, "total": total}
    connector = hub.connections[name].name
    return {**row, "connector": connector, "findings": hub.findings.get(name), "budget": budget}
