"""Questions that wait for people, and their answers."""

from datetime import datetime
from functools import partial
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field

from firstline.access import Person, Right
from firstline.errors import Rejected
from firstline.hub import Hub
from firstline.remediation import approval
from firstline.remediation.approval import NotCounted, Question, View
from firstline.remediation.plan import Asks, steps
from firstline.store.table import APPROVAL, now
from firstline.web.api.access import Known, Seeing, TheHub
from firstline.web.api.model import ApprovalShown
from firstline.web.api.page import Before, Limit, Page, page
from firstline.web.api.scope import reach

router = APIRouter(tags=["approvals"])


class Words(BaseModel):
    comment: str = Field(default="", max_length=2000, description="A refusal needs one: it is the reason.")
    giver: str = Field(default="", description="In whose name, where somebody delegated to you; else your own.")
    plan: str = Field(default="", description="The digest of the plan that you saw; 409 when it is another by now.")


class Answered(BaseModel):
    id: str
    state: str = Field(description="waiting (for more people), approved or refused")
    by: str
    approved: int = Field(description="How many have let it go until now.")
    needed: int


class VoteShown(BaseModel):
    person: str = Field(description="Whose word it is.")
    by: str = Field(description="Who gave it: the person, or whom the person has delegated to.")
    way: str = Field(description="api, portal or link")
    verdict: str = Field(description="approved or refused")
    comment: str
    at: datetime


class ApprovalWhole(ApprovalShown):
    asks: Asks
    pack: str
    environment: str
    plan: dict[str, Any]
    incident: dict[str, Any] = Field(description="Without the vendor's data.")
    steps: list[str] = Field(description="Each as it will run.")
    votes: list[VoteShown]
    electors: list[str] = Field(description="Whose word counts.")
    giver: str = Field(description="In whose name your answer would be given; empty: it would not count.")
    reason: str = Field(description="Why your answer would not count.")


@router.get("/approvals", response_model=Page[ApprovalShown])
async def approvals(
    hub: TheHub, person: Seeing, state: str = "", limit: Limit = 50, before: Before = ""
) -> Page[dict[str, Any]]:
    """`state`: waiting, approved, refused, expired, void (the plan has changed). The plan is in each one's own."""
    query = sa.select(APPROVAL).where(reach(hub, person, Right.SEE, APPROVAL))
    if state:
        query = query.where(APPROVAL.c.state == state)
    return await page(hub.database, query, APPROVAL.c.id, limit, before)


@router.get("/approvals/mine", response_model=Page[ApprovalShown])
async def mine(hub: TheHub, person: Known, limit: Limit = 50, before: Before = "") -> Page[dict[str, Any]]:
    """What waits for you: what you may answer now, in your own name or that of who delegated to you."""
    found = await hub.database.read(lambda c: approval.waiting(c, person, limit, before, now()))
    return Page(items=[shown(each) for each in found.questions], next=found.next or None)


@router.get("/approvals/{approval_id}", response_model=ApprovalWhole)
async def one(approval_id: str, hub: TheHub, person: Known) -> dict[str, Any]:
    """One question with its plan, who has answered, who may, and whether you may."""
    view = await look(hub, approval_id, person)
    question = view.question
    return {
        **shown(question),
        "asks": question.asks,
        "pack": question.pack,
        "environment": question.environment,
        "plan": question.plan.model_dump(mode="json"),
        "incident": question.incident.model_dump(mode="json", exclude={"data"}),
        "steps": steps(question.plan),
        "votes": [dict(vote) for vote in question.votes],
        "electors": view.electors,
        "giver": view.giver,
        "reason": view.reason,
    }


@router.post("/approvals/{approval_id}/approve")
async def approve(approval_id: str, hub: TheHub, person: Known, words: Words | None = None) -> Answered:
    """Let the plan go, as it stands. 403 when your word does not count, 409 when it was answered otherwise, has expired
    or is another plan by now. The same answer again is no error."""
    return await _answer(hub, approval_id, "approved", person, words or Words())


@router.post("/approvals/{approval_id}/refuse")
async def refuse(approval_id: str, hub: TheHub, person: Known, words: Words | None = None) -> Answered:
    """End the remediation without a run; `comment` says why. As for an approval."""
    return await _answer(hub, approval_id, "refused", person, words or Words())


async def look(hub: Hub, approval_id: str, person: Person) -> View:
    """404 where there is none that the person may see."""
    view = await hub.database.read(partial(approval.look, approval_id=approval_id, person=person, moment=now()))
    if view is None:
        raise HTTPException(404, f"there is no approval {approval_id}")
    return view


def shown(question: Question) -> dict[str, Any]:
    return {name: getattr(question, name) for name in ApprovalShown.model_fields}


async def _answer(hub: Hub, approval_id: str, verdict: approval.Verdict, person: Person, words: Words) -> Answered:
    await look(hub, approval_id, person)
    if verdict == "refused" and not words.comment.strip():
        raise HTTPException(422, "say why: a refusal needs a comment")
    given = approval.Answer(verdict, person, "api", words.comment, words.giver, words.plan)
    try:
        standing = await approval.answer(hub.context, approval_id, given)
    except NotCounted as error:
        raise HTTPException(403, str(error)) from error
    except Rejected as error:
        raise HTTPException(409, str(error)) from error
    return Answered(
        id=approval_id, state=standing.state, by=person.name, approved=standing.approved, needed=standing.needed
    )
