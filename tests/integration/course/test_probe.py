"""Checks that need no program, before and after a fix."""

import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.integration.course.conftest import Make, Stage

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
