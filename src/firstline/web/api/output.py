"""What runs print: page by page, as it comes, and whole. Secrets are masked before anything of it is kept; rights are
those of the remediation."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Header, HTTPException, Query
from fastapi.responses import Response, StreamingResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel, Field

from firstline.access import Right
from firstline.hub import Hub
from firstline.remediation.run.log import PAGE, Line, Stream, digest_of, is_kept, open_log, read
from firstline.store.table import REMEDIATION, RUN
from firstline.web.api.access import Seeing, TheHub
from firstline.web.api.model import RunSummary
from firstline.web.api.scope import admit

router = APIRouter(tags=["remediations"])

FIRST_LOOK, LONGEST_LOOK = 0.1, 1.0  # seconds between two looks at a run that prints nothing
LONGEST = 3600.0  # seconds that one stream lasts: who asked may have lost the right since
PIECE = 262_144  # bytes
_LISTED = [RUN.c[name] for name in RunSummary.model_fields]


class OutputChunk(BaseModel):
    stream: Stream = Field(description="firstline: the hub itself says what is left out here.")
    text: str
    offset: int = Field(description="Where it begins.")
    at: datetime | None = Field(description="When the hub saw it; null where only an excerpt is left.")


class Output(BaseModel):
    """A part of what a run printed."""

    state: str
    chunks: list[OutputChunk]
    offset: int = Field(description="Where to go on. An offset never comes to mean another place.")
    ended: bool = Field(description="Nothing comes after this.")
    dropped: int = Field(description="Bytes that are left out within these chunks.")
    source: Literal["log", "excerpt"] = Field(
        description="excerpt: the log is not here (any more), and this is what the database has, without streams."
    )


async def run_of(remediation_id: str, run_id: str, hub: TheHub, person: Seeing) -> dict[str, Any]:
    """A dependency: the run, for who may see its remediation."""
    await admit(hub, person, Right.SEE, REMEDIATION, remediation_id)
    row = await row_of(hub, run_id)
    if row is None or row["remediation_id"] != remediation_id:
        raise HTTPException(404, f"the remediation {remediation_id} has no run {run_id}")
    return row


ARun = Annotated[dict[str, Any], Depends(run_of)]
Offset = Annotated[int, Query(ge=0, description="0, or where an earlier answer says to go on.")]


@router.get("/remediations/{remediation_id}/runs", response_model=list[RunSummary])
async def runs(remediation_id: str, hub: TheHub, person: Seeing) -> list[dict[str, Any]]:
    """What ran, in the order in which it began, without what it printed."""
    await admit(hub, person, Right.SEE, REMEDIATION, remediation_id)
    query = sa.select(*_LISTED).where(RUN.c.remediation_id == remediation_id).order_by(RUN.c.begun_at, RUN.c.id)
    rows = await hub.database.read(lambda connection: connection.execute(query).mappings().all())
    return [dict(row) for row in rows]


@router.get("/remediations/{remediation_id}/runs/{run_id}/output")
async def output(hub: TheHub, run: ARun, offset: Offset = 0) -> Output:
    """What it printed, from an offset on, about 256 KiB of it; while it runs, what has been recorded so far."""
    return await look(hub, run, offset)


@router.get("/remediations/{remediation_id}/runs/{run_id}/output/stream", response_class=EventSourceResponse)
async def stream(
    hub: TheHub,
    run: ARun,
    offset: Offset = 0,
    last: Annotated[int | None, Header(alias="Last-Event-ID", ge=0)] = None,
) -> AsyncIterator[ServerSentEvent]:
    """As `output`, an event for each part as it comes, until the run has ended or an hour is over. The id of an event
    is where to go on: a browser that lost the connection does so by itself."""
    async for part in follow(hub, run["id"], last or offset):
        yield ServerSentEvent(event="output", id=str(part.offset), data=part)


@router.get("/remediations/{remediation_id}/runs/{run_id}/log", response_class=Response)
async def log(hub: TheHub, run: ARun) -> Response:
    """The full log, a line for each line: time, stream, `F` (`P`: it goes on), text. After the run its SHA-256 is in
    `Repr-Digest` (RFC 9530), in the run's row and in the ledger. 409 when it is not the log that was written."""
    path = path_of(hub, run)
    if run["log_size"] and not await asyncio.to_thread(is_kept, path):
        raise HTTPException(404, "the log is not here: it was removed, or another hub has it")
    if run["log_digest"] and await asyncio.to_thread(digest_of, path) != run["log_digest"]:
        raise HTTPException(409, f"the log was changed after it was written: its SHA-256 is not {run['log_digest']}")
    # Never as a page: what a command printed may look like one.
    named = f'attachment; filename="{run["id"]}.log"'
    headers = {"Content-Disposition": named, "X-Content-Type-Options": "nosniff"}
    if run["log_digest"]:
        digest = base64.b64encode(bytes.fromhex(run["log_digest"])).decode()
        headers["Repr-Digest"] = f"sha-256=:{digest}:"
    return StreamingResponse(_pieces(path), media_type="text/plain; charset=utf-8", headers=headers)


def _pieces(path: Path) -> Iterator[bytes]:
    with suppress(FileNotFoundError), open_log(path) as file:
        while piece := file.read(PIECE):
            yield piece


async def follow(hub: Hub, run_id: str, offset: int = 0) -> AsyncIterator[Output]:
    """Each part as it comes, from an offset on; the last one has `ended`, unless an hour was over before."""
    pause, until = FIRST_LOOK, time.monotonic() + LONGEST
    while time.monotonic() < until:
        row = await row_of(hub, run_id)
        if row is None:
            return
        part = await look(hub, row, offset)
        if part.chunks or part.ended:
            yield part
        if part.ended:
            return
        pause = FIRST_LOOK if part.chunks else min(pause * 1.5, LONGEST_LOOK)
        offset = part.offset
        if not part.chunks:
            await asyncio.sleep(pause)


async def look(hub: Hub, run: Mapping[str, Any], offset: int, limit: int = PAGE) -> Output:
    """One part. `run` was read before: what it says of the end is no newer than the log."""
    lines, after = await asyncio.to_thread(read, path_of(hub, run), offset, limit)
    over = run["ended_at"] is not None
    if over and not lines and after < run["log_size"]:
        return await _excerpt(hub, run, after)
    return Output(
        state=run["state"],
        chunks=chunks(lines),
        offset=after,
        # Where the end was not seen its size is not known: then it has ended with a look that finds nothing.
        ended=over and after >= run["log_size"] and not (lines and run["log_size"] == 0),
        dropped=sum(line.left_out for line in lines),
        source="log",
    )


def path_of(hub: Hub, run: Mapping[str, Any]) -> Path:
    return hub.context.logs.path(run["remediation_id"], run["id"])


def chunks(lines: list[Line]) -> list[OutputChunk]:
    """Lines that came together on one stream are one chunk."""
    made: list[OutputChunk] = []
    texts: list[list[str]] = []
    last = None
    for line in lines:
        if last != (line.at, line.stream):
            last = (line.at, line.stream)
            texts.append([])
            made.append(
                OutputChunk(stream=line.stream, text="", offset=line.offset, at=datetime.fromisoformat(line.at))
            )
        texts[-1].append(f"{line.text}\n" if line.whole else line.text)
    for chunk, parts in zip(made, texts, strict=True):
        chunk.text = "".join(parts)
    return made


async def _excerpt(hub: Hub, run: Mapping[str, Any], offset: int) -> Output:
    query = sa.select(RUN.c.output).where(RUN.c.id == run["id"])
    text = await hub.database.read(lambda connection: str(connection.execute(query).scalar()))
    whole = [OutputChunk(stream="stdout", text=text, offset=0, at=None)] if not offset else []
    return Output(state=run["state"], chunks=whole, offset=run["log_size"], ended=True, dropped=0, source="excerpt")


async def row_of(hub: Hub, run_id: str) -> dict[str, Any] | None:
    """The run, without what it printed."""
    query = sa.select(*_LISTED, RUN.c.remediation_id).where(RUN.c.id == run_id)
    found = await hub.database.read(lambda connection: connection.execute(query).mappings().first())
    return dict(found) if found else None
