"""Notes a second through the outbox, and the vendors' requests that a whole remediation costs."""

import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path

from tests.benchmark import stage
from tests.benchmark.figure import tell
from tests.benchmark.remediate import play

from firstline import settings
from firstline.connector import Note
from firstline.incident import Reference
from firstline.remediation.begin import note
from firstline.store import Database, new_id
from firstline.store.database import insert
from firstline.store.table import WriteBackRow

INCIDENTS = 50
NOTES = 500
RECORDS = 100  # five notes wait for each: they are merged


def run() -> None:
    with (
        tempfile.TemporaryDirectory() as scratch,
        stage.sandboxes(INCIDENTS + NOTES + RECORDS) as vendors,
        stage.hub(Path(scratch, "hub"), vendors=vendors) as hub,
    ):
        before = _requests(hub)
        play(hub, 0, INCIDENTS)
        requests = (_requests(hub) - before) / INCIDENTS
        about = {"yardstick": "vendors' sandboxes on the same two cores, SQLite, one process"}
        said = "match, standard change, note, state, close"
        tell("requests an incident", requests, "requests", wanted="under 20", met=requests < 20, **about, of=said)
        rate = NOTES / _write(hub, [_note(INCIDENTS + number) for number in range(NOTES)])
        tell("notes written", rate, "1/s", wanted="at least 25", met=rate >= 25, **about, notes=NOTES, merged=False)
        first, before = INCIDENTS + NOTES, _requests(hub)
        rate = NOTES / _write(hub, [_note(first + number % RECORDS) for number in range(NOTES)])
        each = (_requests(hub) - before) / NOTES
        tell("notes told", rate, "1/s", wanted="at least 75", met=rate >= 75, **about, notes=NOTES, records=RECORDS)
        tell("requests a note told", each, "requests", wanted="under 1", met=each < 1, **about, records=RECORDS)


def _requests(hub: stage.Running) -> int:
    """Of all connections, since the hub's first start."""
    return sum(int(one["budget"]["total"]) for one in hub.get("connections"))


def _note(number: int) -> WriteBackRow:
    remediation = new_id()
    reference = Reference(connection="pagerduty", kind="incident", id=f"Q{number:09d}")
    said = Note(key=f"{remediation}.outcome", headline="Something was done", body="It is well again.")
    return note(remediation, "outcome", reference, said)


def _write(hub: stage.Running, rows: list[WriteBackRow], seconds: float = 120) -> float:
    """Leave notes in the outbox; gives the seconds until none is left."""
    database = Database(settings.load(hub.folder).database)
    try:
        database.write_now(lambda connection: insert(connection, *rows))
    finally:
        database.close()
    begun = time.perf_counter()
    while _open(hub):
        if time.perf_counter() - begun > seconds:
            raise RuntimeError(f"not {len(rows)} notes within {seconds:g} s")
        time.sleep(0.05)
    return time.perf_counter() - begun


def _open(hub: stage.Running) -> bool:
    with closing(sqlite3.connect(hub.folder / "firstline.db")) as database:
        query = "SELECT 1 FROM fl_write_back WHERE state IN ('pending', 'sending') LIMIT 1"
        return database.execute(query).fetchone() is not None
