"""The changes of the hub's own register, and one of them as its approver reads it."""

from functools import partial

from fastapi import APIRouter, Request
from fastapi.responses import Response

from firstline.access import Person
from firstline.hub import Hub
from firstline.web.api.access import TheHub
from firstline.web.api.change import newest, whole
from firstline.web.portal.page import for_people, rendered

router = APIRouter(include_in_schema=False)


@router.get("/changes")
async def changes(request: Request, hub: TheHub, before: str = "") -> Response:
    """Newest first."""
    return await for_people(request, partial(_list, hub, before))


@router.get("/changes/{number}")
async def change(request: Request, number: str, hub: TheHub) -> Response:
    return await for_people(request, partial(_one, hub, number))


async def _list(hub: Hub, before: str, person: Person) -> Response:
    found = await newest(hub, person, 50, before)
    return rendered("changes.html", rows=found.items, older=found.next, reader=person)


async def _one(hub: Hub, number: str, person: Person) -> Response:
    found = await whole(hub, person, number)
    if found is None:
        return rendered("missing.html", 404, kind="change", reader=person)
    return rendered("change.html", row=found, reader=person)
