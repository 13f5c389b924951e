"""What runs print, while they do: pages that grow as long as there is something to come, without a script."""

import asyncio
import time
from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import AwareDatetime

from firstline.access import Person, Right
from firstline.hub import Hub
from firstline.store.table import REMEDIATION, RUN
from firstline.web.api.access import TheHub
from firstline.web.api.output import LONGEST, LONGEST_LOOK, Offset, Output, follow, row_of
from firstline.web.api.scope import reach
from firstline.web.portal.output import Painter
from firstline.web.portal.page import flowing, for_people, macros, rendered

router = APIRouter(include_in_schema=False)

SHOWN = 1_048_576  # bytes of a log in one page: browsers don't like more

After = Annotated[AwareDatetime | None, Query()]


@router.get("/remediations/{remediation_id}/output")
async def feed(request: Request, remediation_id: str, hub: TheHub, after: After = None) -> Response:
    """Run after run, each from its beginning, until the remediation has ended. `after`: only those that had not ended
    by then."""
    return await for_people(request, partial(_feed, hub, remediation_id, after))


@router.get("/remediations/{remediation_id}/runs/{run_id}")
async def run(request: Request, remediation_id: str, run_id: str, hub: TheHub, offset: Offset = 0) -> Response:
    """One run, from an offset on, until it has ended or the page is full."""
    return await for_people(request, partial(_run, hub, remediation_id, run_id, offset))


async def _feed(hub: Hub, remediation_id: str, after: Any, person: Person) -> Response:
    if not await _may_see(hub, remediation_id, person):
        return rendered("missing.html", 404, kind="remediation", reader=person)
    return flowing(_all(hub, remediation_id, after))


async def _run(hub: Hub, remediation_id: str, run_id: str, offset: int, person: Person) -> Response:
    row = await row_of(hub, run_id)
    if row is None or row["remediation_id"] != remediation_id or not await _may_see(hub, remediation_id, person):
        return rendered("missing.html", 404, kind="run", reader=person)
    return flowing(_one(hub, row, offset))


async def _may_see(hub: Hub, remediation_id: str, person: Person) -> bool:
    query = sa.select(REMEDIATION.c.id).where(
        REMEDIATION.c.id == remediation_id, reach(hub, person, Right.SEE, REMEDIATION)
    )
    return await hub.database.read(lambda connection: connection.execute(query).first()) is not None


async def _one(hub: Hub, row: dict[str, Any], offset: int) -> AsyncIterator[str]:
    page = macros("feed.html")
    yield page.begin(row["name"], live=False)
    async for part in _printed(hub, row, offset, link=False):
        yield part
    yield page.back(row["remediation_id"]) + page.end()


async def _all(hub: Hub, remediation_id: str, after: Any) -> AsyncIterator[str]:
    page, seen = macros("feed.html"), set[str]()
    until = time.monotonic() + LONGEST
    yield page.begin("Output", live=True)
    while time.monotonic() < until:
        ended, rows = await hub.database.read(partial(_standing, remediation_id=remediation_id, after=after))
        for row in rows:
            if row["id"] not in seen:
                seen.add(row["id"])
                async for part in _printed(hub, row, 0, link=True):
                    yield part
        if ended and all(row["id"] in seen for row in rows):
            break
        await asyncio.sleep(LONGEST_LOOK)
    yield page.back(remediation_id) + page.end()


async def _printed(hub: Hub, row: dict[str, Any], offset: int, *, link: bool) -> AsyncIterator[str]:
    """A run's output until its end, or until the page has enough of it."""
    page, painter, begin = macros("feed.html"), Painter(), offset
    last: Output | None = None
    yield page.run(row, link)
    async for last in follow(hub, row["id"], offset):
        yield painter.html(last.chunks)
        if last.offset - begin >= SHOWN:
            break
    over = last is not None and last.ended
    yield page.ran(await row_of(hub, row["id"]) or row, None if over else last.offset if last else offset)


def _standing(connection: sa.Connection, remediation_id: str, after: Any) -> tuple[bool, list[dict[str, Any]]]:
    """Whether the remediation has ended, and its runs."""
    ended = connection.execute(sa.select(REMEDIATION.c.ended_at).where(REMEDIATION.c.id == remediation_id)).scalar()
    query = sa.select(RUN).where(RUN.c.remediation_id == remediation_id)
    if after is not None:
        query = query.where(RUN.c.ended_at.is_(None) | (RUN.c.ended_at > after))
    rows = connection.execute(query.order_by(RUN.c.begun_at, RUN.c.id)).mappings()
    return ended is not None, [dict(row) for row in rows]
