"""Questions that wait for a person, and their answers."""

from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field

from firstline.errors import Rejected
from firstline.remediation import approval
from firstline.store.table import APPROVAL
from firstline.web.api.access import Approving, Seeing, TheHub
from firstline.web.api.model import ApprovalShown
from firstline.web.api.page import Before, Limit, Page, page

router = APIRouter(tags=["approvals"])


class Answer(BaseModel):
    comment: str = Field(default="", max_length=2000)


class Answered(BaseModel):
    id: str
    state: approval.Verdict
    by: str


@router.get("/approvals", response_model=Page[ApprovalShown])
async def approvals(
    hub: TheHub, _: Seeing, state: str = "", limit: Limit = 50, before: Before = ""
) -> Page[dict[str, Any]]:
    """`state`: waiting, approved, refused, expired. The plan is in the remediation."""
    query = sa.select(APPROVAL)
    if state:
        query = query.where(APPROVAL.c.state == state)
    return await page(hub.database, query, APPROVAL.c.id, limit, before)


@router.post("/approvals/{approval_id}/approve")
async def approve(approval_id: str, hub: TheHub, person: Approving, answer: Answer | None = None) -> Answered:
    """Let the plan go, as it stands. 409 when it was answered already or has expired."""
    return await _answer(hub, approval_id, "approved", person.name, answer)


@router.post("/approvals/{approval_id}/refuse")
async def refuse(approval_id: str, hub: TheHub, person: Approving, answer: Answer | None = None) -> Answered:
    """End the remediation without a run."""
    return await _answer(hub, approval_id, "refused", person.name, answer)


async def _answer(
    hub: TheHub, approval_id: str, verdict: approval.Verdict, person: str, answer: Answer | None
) -> Answered:
    known = sa.select(APPROVAL.c.id).where(APPROVAL.c.id == approval_id)
    if not await hub.database.read(lambda connection: connection.execute(known).first()):
        raise HTTPException(404, f"there is no approval {approval_id}")
    try:
        await approval.answer(hub.context, approval_id, verdict, person, answer.comment if answer else "")
    except Rejected as error:
        raise HTTPException(409, str(error)) from error
    return Answered(id=approval_id, state=verdict, by=person)
