"""Whole remediations a second, and the CPU each costs: match, standard change, a `true`, a check, note, close."""

import asyncio
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path

from tests.benchmark import stage
from tests.benchmark.figure import tell
from tests.benchmark.load import flood, webhook

COUNT = 300
WARM = 20


def run() -> None:
    with (
        tempfile.TemporaryDirectory() as scratch,
        stage.sandboxes(COUNT + WARM) as vendors,
        stage.hub(Path(scratch, "hub"), vendors=vendors) as hub,
    ):
        play(hub, 0, WARM)
        cpu, begun = hub.cpu(), time.perf_counter()
        play(hub, WARM, COUNT)
        took, used = time.perf_counter() - begun, hub.cpu() - cpu
    rate, each = COUNT / took, used / COUNT * 1000
    about = {"yardstick": "vendors' sandboxes on the same two cores, SQLite, one process", "remediations": COUNT}
    tell("whole remediations", rate, "1/s", wanted="at least 15", met=rate >= 15, **about)
    tell(
        "CPU a remediation",
        each,
        "ms",
        wanted="under 60",
        met=each < 60,
        **about,
        counts="the hub and all its children",
    )


def play(hub: stage.Running, first: int, count: int, seconds: float = 120) -> None:
    """Send the events and wait until every write-back of every remediation is done."""
    asyncio.run(
        flood(hub.port, [webhook(number, title="shop does not answer") for number in range(first, first + count)])
    )
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if _done(hub, first + count):
            return
        time.sleep(0.1)
    raise RuntimeError(f"not {first + count} remediations within {seconds:g} s")


def _done(hub: stage.Running, total: int) -> bool:
    """Each has ended, and nothing of it is still to be written."""
    with closing(sqlite3.connect(hub.folder / "firstline.db")) as database:
        (ended,) = database.execute("SELECT count(*) FROM fl_remediation WHERE stage = 'ended'").fetchone()
        (open_,) = database.execute(
            "SELECT count(*) FROM fl_write_back WHERE state IN ('pending', 'sending')"
        ).fetchone()
    return bool(ended == total and not open_)
