"""Checks that need no program, before and after a fix."""

import asyncio
import socket
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest
from tests.integration.course.stage import Make, Stage

from firstline.remediation.run import probe
from firstline.remediation.run.finding import Outcome
from firstline.runbook import Check, Http

pytestmark = pytest.mark.anyio


async def shop(stage: Make, before: str, **how: str) -> Stage:
    made = await stage(before=f"[{{name: the fault is there, {before}}}]", **how)
    await made.incident()
    return made


@pytest.fixture
def port() -> Iterator[int]:
    """One that takes connections."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server.getsockname()[1]


async def test_a_port_that_takes_connections_holds(stage: Make, port: int) -> None:
    made = await shop(stage, f'tcp: "127.0.0.1:{port}"')
    assert made.row()["outcome"] == "proved"


async def test_a_port_that_takes_none_does_not(stage: Make) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        closed = server.getsockname()[1]
    made = await shop(stage, f'tcp: "127.0.0.1:{closed}"')
    assert made.row()["outcome"] == "not_needed"
    assert "no connection: ConnectionRefusedError" in made.row()["reason"]


@pytest.mark.parametrize("address", ["nobody.invalid:80", f"{'a' * 70}.example:80"])
async def test_a_name_that_is_none_cant_be_looked_at(stage: Make, address: str) -> None:
    made = await shop(stage, f'tcp: "{address}"')
    assert (made.row()["outcome"], made.runs()) == ("stopped", 0)
    assert "could not be looked at: no connection" in made.row()["reason"]


Serve = Callable[[bytes], Awaitable[str]]


@pytest.fixture
async def answering() -> AsyncIterator[Serve]:
    """`await answering(bytes)` gives an address that answers so; what ends in `...` goes on for ever."""
    servers: list[asyncio.Server] = []

    async def serve(answer: bytes) -> str:
        async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer.removesuffix(b"..."))
            try:
                while answer.endswith(b"..."):
                    writer.write(b"and so on " * 1000)
                    await writer.drain()
            except ConnectionError:
                pass
            writer.close()

        servers.append(await asyncio.start_server(answered, "127.0.0.1", 0))
        return f"http://127.0.0.1:{servers[-1].sockets[0].getsockname()[1]}/"

    yield serve
    for server in servers:
        server.close()
        await server.wait_closed()


async def looked(url: str, contains: str = "") -> Outcome:
    of: dict[str, Any] = {
        "name": "it answers",
        "target": "shop",
        "executor": "command",
        "run": (),
        "environment": {},
        "timeout": 5.0,
    }
    check = Check(**of, http=Http(url=url, status=200, contains=contains), within=0, every=1, hold=0)
    look = probe.of(cast(Any, None), cast(Any, None), "after", check)
    assert look is not None
    return await look()


async def test_of_an_answer_without_an_end_the_beginning_is_looked_at(answering: Serve) -> None:
    endless = await answering(b"HTTP/1.1 200 OK\r\n\r\nfirst ...")
    assert (await looked(endless, "first and so on")).ok
    assert (await looked(endless, "never")).detail.startswith("answered 200: first and so on")


async def test_a_text_in_an_encoding_that_is_none_is_read_all_the_same(answering: Serve) -> None:
    strange = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=hex\r\nContent-Length: 4\r\n\r\nwell"
    assert (await looked(await answering(strange), "well")).ok


async def test_a_redirect_is_an_answer_of_its_own(answering: Serve) -> None:
    moved = await answering(b"HTTP/1.1 302 Found\r\nLocation: /else\r\nContent-Length: 0\r\n\r\n")
    seen = await looked(moved)
    assert (seen.ok, seen.answered, seen.detail) == (False, True, "answered 302: ")


@pytest.mark.parametrize(
    "answer",
    [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nwell"],
    ids=["nothing", "no HTTP", "no gzip"],
)
async def test_what_is_no_answer_is_not_taken_for_one(answering: Serve, answer: bytes) -> None:
    seen = await looked(await answering(answer), "well")
    assert (seen.ok, seen.answered, seen.detail.split(":")[0]) == (False, False, "no answer")


QUERY = (
    "query: {{source: jobs, ask: 'select count(*) from job where host = :host', "
    "values: {{host: '${{{{ inputs.host }}}}'}}, holds: '{holds}'}}"
)


@pytest.mark.parametrize(("holds", "outcome"), [("value == 2", "proved"), ("value > 2", "not_needed")])
async def test_a_question_to_a_database_holds_as_its_condition_says(
    stage: Make, tmp_path: Path, holds: str, outcome: str
) -> None:
    with closing(sqlite3.connect(tmp_path / "jobs.db")) as jobs:
        jobs.executescript("create table job (host text); insert into job values ('shop'), ('shop'), ('other')")
    more = f'[queries.jobs]\nkind = "sql"\nurl = "sqlite:///{tmp_path}/jobs.db"\n'
    made = await shop(stage, QUERY.format(holds=holds), settings=more)
    assert made.row()["outcome"] == outcome


async def test_a_source_that_is_not_named_stops_it_before_anything_is_done(stage: Make) -> None:
    made = await shop(stage, QUERY.format(holds="true"))
    assert (made.row()["outcome"], made.runs()) == ("stopped", 0)
    assert "firstline.toml has no [queries.jobs]" in made.row()["reason"]


@pytest.mark.parametrize(("state", "outcome"), [("open", "proved"), ("closed", "not_needed")])
async def test_the_incident_itself_is_asked_at_its_source(
    stage: Make, vendors: object, state: str, outcome: str
) -> None:
    made = await shop(stage, f"alert: {state}", pagerduty=vendors("pagerduty"))  # type: ignore[operator]
    assert made.row()["outcome"] == outcome


async def test_a_source_that_does_not_answer_is_not_taken_for_a_closed_incident(stage: Make) -> None:
    made = await shop(stage, "alert: closed")
    assert (made.row()["outcome"], made.runs()) == ("stopped", 0)
    assert "could not be looked at" in made.row()["reason"]
