"""What is to be written on other systems' records: waiting, done, or parked for a person."""

from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field

from firstline.access import Right
from firstline.outbox import writeback
from firstline.store.table import WRITE_BACK
from firstline.web.api.access import Governing, Seeing, TheHub
from firstline.web.api.model import WriteBackShown
from firstline.web.api.page import Before, Limit, Page, page
from firstline.web.api.scope import admit, reach

router = APIRouter(tags=["write-backs"])


class Discard(BaseModel):
    reason: str = Field(min_length=1, max_length=1000, description="Why it need not be written any more.")


@router.get("/write-backs", response_model=Page[WriteBackShown])
async def write_backs(
    hub: TheHub, person: Seeing, state: str = "", connection: str = "", limit: Limit = 50, before: Before = ""
) -> Page[dict[str, Any]]:
    """`state`: pending, sending, done, parked (refused, with the vendor's words; later writes on the record go on),
    folded (another says it too: `folded_into`), discarded (by a person)."""
    query = sa.select(WRITE_BACK).where(reach(hub, person, Right.SEE, WRITE_BACK))
    if state:
        query = query.where(WRITE_BACK.c.state == state)
    if connection:
        query = query.where(WRITE_BACK.c.connection == connection)
    return await page(hub.database, query, WRITE_BACK.c.id, limit, before)


@router.post("/write-backs/{write_back_id}/retry", status_code=202)
async def retry(write_back_id: str, hub: TheHub, person: Governing) -> dict[str, str]:
    """Try a parked write again. 409 when it is not parked."""
    await admit(hub, person, Right.GOVERN, WRITE_BACK, write_back_id)
    if not await writeback.retry(hub.context, write_back_id, person.name):
        raise HTTPException(409, "it is not parked")
    return {"id": write_back_id, "state": "pending"}


@router.post("/write-backs/{write_back_id}/discard")
async def discard(write_back_id: str, hub: TheHub, person: Governing, why: Discard) -> dict[str, str]:
    """Give a parked write up: it no longer waits for a person. 409 when it is not parked."""
    await admit(hub, person, Right.GOVERN, WRITE_BACK, write_back_id)
    if not await writeback.discard(hub.context, write_back_id, person.name, why.reason):
        raise HTTPException(409, "it is not parked")
    return {"id": write_back_id, "state": "discarded"}
