"""Parents that do not ask how their children ended."""

import sys
from pathlib import Path

import psutil
import pytest
from tests.acceptance.packs.conftest import Bench, Runit

from firstline.testing.patience import eventually

pytestmark = pytest.mark.anyio

MANY = 40  # more than tests beside this one leave at any moment
FORGETS = (
    f"exec {sys.executable} -c 'import os, signal\nfor _ in range({MANY}): os.fork() or os._exit(0)\nsignal.pause()'"
)
# It takes the signal of each child as one, as programs do that reap once a signal; and misses those before.
LATE = (
    f"exec {sys.executable} -c 'import os, signal, time\n"
    f"for _ in range({MANY}): os.fork() or os._exit(0)\n"
    "time.sleep(0.2)\n"
    "def reap(*_):\n    for _ in range(%d): os.waitpid(-1, os.WNOHANG)\n"
    "signal.signal(signal.SIGCHLD, reap)\n"
    "while True: signal.pause()'"
) % MANY


def zombies(pid: int) -> int:
    return sum(child.status() == psutil.STATUS_ZOMBIE for child in psutil.Process(pid).children())


def inputs(unit: Path) -> dict[str, str | int]:
    return {"host": "app-2", "unit": str(unit), "supervisor": "runit", "more_than": MANY // 2, "young": 0}


async def test_a_parent_that_never_reaps_is_restarted(bench: Bench, runit: Runit) -> None:
    unit = runit.start("worker", f"[ -e ran ] && exec sleep 1000; touch ran; {FORGETS}")
    before = runit.pid(unit)
    eventually(lambda: zombies(before) == MANY)
    played = await bench.play("linux/zombie-processes", **inputs(unit))
    assert played.outcome == "proved", played
    assert runit.pid(unit) != before
    assert f"{MANY} of parent {before} (" in played.said["look whose they are"]


async def test_a_parent_that_hears_the_signal_goes_on(bench: Bench, runit: Runit) -> None:
    unit = runit.start("worker", LATE)
    before = runit.pid(unit)
    eventually(lambda: zombies(before) == MANY and _catches_sigchld(before))
    played = await bench.play("linux/zombie-processes", **inputs(unit))
    assert played.outcome == "proved", played
    assert runit.pid(unit) == before
    assert "restart the unit" not in played.said


async def test_a_parent_of_something_else_is_left_alone(bench: Bench, runit: Runit) -> None:
    culprit = runit.pid(runit.start("other", FORGETS))
    unit = runit.start("worker", "exec sleep 1000")
    before = runit.pid(unit)
    eventually(lambda: zombies(culprit) == MANY)
    played = await bench.play("linux/zombie-processes", **inputs(unit))
    assert played.outcome == "failed"
    assert f"belong to process {culprit}, which is not of process {before}" in played.said["ask the parent to reap"]
    assert zombies(culprit) == MANY
    assert runit.pid(unit) == before


async def test_a_few_zombies_are_no_fault(bench: Bench, runit: Runit) -> None:
    unit = runit.start("worker", "exec sleep 1000")
    played = await bench.play("linux/zombie-processes", **(inputs(unit) | {"more_than": 10_000}))
    assert played.outcome == "not_needed"


def _catches_sigchld(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) & 1 << 16)
