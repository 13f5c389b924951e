"""Ten thousand questions that wait: what they cost in memory after a restart, how fast one person finds theirs, and how
fast all of them end when nobody answers."""

import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import SQLModel
from tests.benchmark import stage
from tests.benchmark.figure import tell
from tests.integration.approval.conftest import planned

from firstline import settings
from firstline.incident import Event, Incident, Reference
from firstline.remediation.begin import begin
from firstline.remediation.plan import Plan
from firstline.store import Database, new_id
from firstline.store.database import insert
from firstline.store.table import APPROVAL, now

COUNT = 10_000
AT_ONCE = 500
WEEK = 7 * 24 * 3600.0
SETTLED = 3  # seconds


def run() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        prepared = stage.prepare(Path(scratch, "hub"))
        with stage.run(prepared) as hub:
            time.sleep(SETTLED)
            idle = hub.memory()
        _ask(prepared.folder)
        with stage.run(prepared) as hub:
            time.sleep(SETTLED)
            begun = time.perf_counter()
            shown = hub.get("approvals?state=waiting")["items"]
            listed = time.perf_counter() - begun
            size, waiting = (hub.memory() - idle) / 1024**2, _waiting(prepared.folder)
            ended = _expire(prepared.folder)
    about = {"questions": waiting, "yardstick": "USS of the hub and its children, against the same hub without them"}
    met = size < 32 and waiting == COUNT
    tell("memory of waiting approvals", size, "MiB", wanted="under 32, all there after a restart", met=met, **about)
    alike = {"questions": COUNT, "yardstick": "SQLite, one process"}
    tell("a page of waiting approvals", listed, "s", wanted="under 0.5", met=listed < 0.5, shown=len(shown), **alike)
    tell("waiting approvals expired", ended, "s", wanted="under 60", met=ended < 60, **alike)


def _ask(folder: Path) -> None:
    database = Database(settings.load(folder).database)
    plan = planned(environment="bench")
    try:
        for first in range(0, COUNT, AT_ONCE):
            rows = [row for number in range(first, first + AT_ONCE) for row in _rows(number, plan)]
            database.write_now(partial(_insert, rows))
    finally:
        database.close()


def _insert(rows: list[SQLModel], connection: sa.Connection) -> None:
    insert(connection, *rows)


def _rows(number: int, plan: Plan) -> Iterator[SQLModel]:
    reference = Reference(connection="pagerduty", kind="incident", id=f"Q{number:09d}")
    incident = Incident(reference=reference, title="shop does not answer")
    event = Event(id=f"e{number}", type="incident.opened", reference=reference, occurred_at=now(), incident=incident)
    beginning = begin(event, new_id(), plan, reference.id, url="http://hub", expires=WEEK)
    yield beginning.remediation
    yield from (row for row in beginning.others if row.__tablename__ == APPROVAL.name)


def _waiting(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "firstline.db")) as database:
        (count,) = database.execute("SELECT count(*) FROM fl_approval WHERE state = 'waiting'").fetchone()
    return int(count)


def _expire(folder: Path, seconds: float = 300) -> float:
    """Let the time of all of them be over; gives the seconds until none waits."""
    database = Database(settings.load(folder).database)
    try:
        database.write_now(lambda connection: connection.execute(sa.update(APPROVAL).values(expires_at=now())))
    finally:
        database.close()
    begun = time.perf_counter()
    while _waiting(folder):
        if time.perf_counter() - begun > seconds:
            raise RuntimeError(f"some still wait after {seconds:g} s")
        time.sleep(0.1)
    return time.perf_counter() - begun
