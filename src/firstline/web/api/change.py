"""The changes of the hub's own register. Those of other registers are read there."""

import sqlalchemy as sa
from fastapi import APIRouter, HTTPException

from firstline.access import Person, Right, within
from firstline.access.right import EVERY
from firstline.errors import Rejected
from firstline.hub import Hub
from firstline.register import shown
from firstline.register.shown import ChangeSummary, ChangeWhole
from firstline.store.table import CHANGE, REMEDIATION
from firstline.web.api.access import Seeing, TheHub
from firstline.web.api.page import Before, Limit, Page

router = APIRouter(tags=["changes"])


@router.get("/changes")
async def changes(
    hub: TheHub, person: Seeing, state: str = "", limit: Limit = 50, before: Before = ""
) -> Page[ChangeSummary]:
    """Newest first. `state`: new, assess, authorize, scheduled, implement, review, closed, canceled."""
    return await newest(hub, person, limit, before, state)


@router.get("/changes/{number}")
async def change(number: str, hub: TheHub, person: Seeing) -> ChangeWhole:
    """One change whole: what was filed, and all that happened to it."""
    found = await whole(hub, person, number)
    if found is None:
        raise HTTPException(404, f"there is no change {number}")
    return found


async def newest(hub: Hub, person: Person, limit: int, before: str = "", state: str = "") -> Page[ChangeSummary]:
    """Of those that the person may see. A number that is none is before all."""
    where = [_theirs(person), *([CHANGE.c.state == state] if state else [])]
    try:
        found = await hub.database.read(lambda connection: shown.newest(connection, limit + 1, before, *where))
    except Rejected as refusal:
        raise HTTPException(422, str(refusal)) from None
    return Page(items=found[:limit], next=found[limit - 1].number if len(found) > limit else None)


async def whole(hub: Hub, person: Person, number: str) -> ChangeWhole | None:
    """None where there is none, or the person may not see it."""
    try:
        return await hub.database.read(lambda connection: shown.one(connection, number, _theirs(person)))
    except Rejected:
        return None


def _theirs(person: Person) -> sa.ColumnElement[bool]:
    """Changes of remediations that the person may see; all, for who may see everything."""
    if person.may(Right.SEE, pack=EVERY, environment=EVERY):
        return sa.true()
    covered = within(person, Right.SEE, REMEDIATION.c.pack, REMEDIATION.c.environment)
    return sa.exists().where(REMEDIATION.c.id == shown.REMEDIATION_ID, covered)
