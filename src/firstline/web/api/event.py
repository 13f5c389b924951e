"""Deliveries, the events they told, and what was decided for each."""

from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, HTTPException

from firstline.access import Right
from firstline.store.table import DECISION, DELIVERY, EVENT
from firstline.web.api.access import GoverningAll, Seeing, SeeingAll, TheHub
from firstline.web.api.model import DecisionShown, DeliverySummary, DeliveryWhole, EventShown
from firstline.web.api.page import Before, Limit, Page, page
from firstline.web.api.scope import reach

router = APIRouter(tags=["events"])

# A delivery's body is shown singly: lists stay light.
_DELIVERY = [
    DELIVERY.c.id,
    DELIVERY.c.connection,
    DELIVERY.c.key,
    DELIVERY.c.received_at,
    DELIVERY.c.state,
    DELIVERY.c.reason,
]


@router.get("/deliveries", response_model=Page[DeliverySummary])
async def deliveries(
    hub: TheHub, _: SeeingAll, state: str = "", connection: str = "", limit: Limit = 50, before: Before = ""
) -> Page[dict[str, Any]]:
    """What came in, as it came, for all packs. `state`: new, done, parked (of no use, with the reason)."""
    query = sa.select(*_DELIVERY)
    if state:
        query = query.where(DELIVERY.c.state == state)
    if connection:
        query = query.where(DELIVERY.c.connection == connection)
    return await page(hub.database, query, DELIVERY.c.id, limit, before)


@router.get("/deliveries/{delivery_id}", response_model=DeliveryWhole)
async def delivery(delivery_id: str, hub: TheHub, _: SeeingAll) -> dict[str, Any]:
    """One delivery with its headers and body."""
    query = sa.select(DELIVERY).where(DELIVERY.c.id == delivery_id)
    row = await hub.database.read(lambda connection: connection.execute(query).mappings().first())
    if row is None:
        raise HTTPException(404, f"there is no delivery {delivery_id}")
    return {**row, "body": bytes(row["body"]).decode("utf-8", "replace")}


@router.post("/deliveries/{delivery_id}/retry", status_code=202)
async def retry(delivery_id: str, hub: TheHub, _: GoverningAll) -> dict[str, str]:
    """Read a parked delivery again, say after an upgrade. 409 when it is not parked."""
    parked = sa.update(DELIVERY).where(DELIVERY.c.id == delivery_id, DELIVERY.c.state == "parked")
    again = parked.values(state="new", reason="")
    if not await hub.database.write(lambda connection: connection.execute(again).rowcount):
        raise HTTPException(409, "it is not parked")
    hub.dispatcher.arrived.set()
    return {"id": delivery_id, "state": "new"}


@router.get("/events", response_model=Page[EventShown])
async def events(
    hub: TheHub, person: Seeing, connection: str = "", limit: Limit = 50, before: Before = ""
) -> Page[dict[str, Any]]:
    """What deliveries told."""
    query = sa.select(EVENT).where(reach(hub, person, Right.SEE, EVENT))
    if connection:
        query = query.where(EVENT.c.connection == connection)
    return await page(hub.database, query, EVENT.c.id, limit, before)


@router.get("/decisions", response_model=Page[DecisionShown])
async def decisions(
    hub: TheHub, person: Seeing, outcome: str = "", mapping: str = "", limit: Limit = 50, before: Before = ""
) -> Page[dict[str, Any]]:
    """Why each event matched or did not: `trace` has each clause that was looked at."""
    query = sa.select(DECISION).where(reach(hub, person, Right.SEE, DECISION))
    if outcome:
        query = query.where(DECISION.c.outcome == outcome)
    if mapping:
        query = query.where(DECISION.c.mapping == mapping)
    return await page(hub.database, query, DECISION.c.id, limit, before)
