"""From a webhook's POST to the start of the runbook's process, at a steady pace; and what the hub costs idle."""

import asyncio
import tempfile
import time
from pathlib import Path

from tests.benchmark import stage
from tests.benchmark.figure import quantile, tell
from tests.benchmark.load import paced, webhook

EVENTS = 200
A_SECOND = 20
IDLE = 10.0  # seconds


def run() -> None:
    with tempfile.TemporaryDirectory() as scratch, stage.sandboxes(EVENTS + 20) as vendors:
        folder = Path(scratch, "hub")
        with stage.hub(folder, vendors=vendors) as hub:
            asyncio.run(paced(hub.port, _requests(EVENTS, 20), A_SECOND))  # warm
            _started(folder, 20)
            sent = asyncio.run(paced(hub.port, _requests(0, EVENTS), A_SECOND))
            started = _started(folder, EVENTS + 20)
            waits = [started[f"Q{number:09d}"] - at for number, at in enumerate(sent)]
            idle = _idle(hub)
    p50, p99 = quantile(waits, 0.5) * 1000, quantile(waits, 0.99) * 1000
    about = {"yardstick": f"{EVENTS} events at {A_SECOND}/s, a runbook that only reads, SQLite"}
    tell("POST to process started, p50", p50, "ms", wanted="under 100", met=p50 < 100, **about)
    tell("POST to process started, p99", p99, "ms", wanted="under 400", met=p99 < 400, **about)
    tell("idle", idle * 100, "% of a core", wanted="under 3", met=idle < 0.03, yardstick=f"{IDLE:g} s without events")


def _requests(first: int, count: int) -> list[bytes]:
    return [webhook(number, title="shop is slow") for number in range(first, first + count)]


def _started(folder: Path, count: int, seconds: float = 60) -> dict[str, float]:
    """When each run's process left its mark, in epoch seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        marks = {path.name: path.stat().st_mtime for path in (folder / "started").iterdir()}
        if len(marks) >= count:
            return marks
        time.sleep(0.05)
    raise RuntimeError(f"{len(marks)} of {count} runs started within {seconds:g} s")


def _idle(hub: stage.Running) -> float:
    """Cores used while nothing happens, children included."""
    time.sleep(2)
    before = hub.cpu()
    time.sleep(IDLE)
    return (hub.cpu() - before) / IDLE
