"""What a command can do to its own run: it is the hub's own account's, and may go for what is around it."""

import sys
from pathlib import Path

import psutil
import pytest

from firstline.errors import Unknown
from firstline.executor import Bounds, Handle, State
from firstline.executors.process import tree
from firstline.executors.process.run_directory import RunDirectory
from firstline.testing.executor import Bench, Run, until

pytestmark = pytest.mark.anyio

# It and each process that it starts replaces what dies, each in a session of its own, and is deaf to SIGTERM.
BREEDING = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
def breed(generations):
    while True:
        child = os.fork()
        if child == 0:
            os.setsid()
            breed(generations - 1) if generations else os._exit(0)
        os.waitpid(child, 0)
        time.sleep(0.001)
for _ in range(6):
    if os.fork() == 0:
        breed(2)
open(sys.argv[1], "w").close()
breed(2)
"""
# Each lives until it has made the next; the command itself waits.
FLEEING = """
import os, sys, time
if os.fork():
    time.sleep(100000)
open(sys.argv[1], "w").close()
while True:
    if os.fork():
        os._exit(0)
"""


def python(program: str, *arguments: Path) -> Run:
    return (sys.executable, "-S", "-c", program, *map(str, arguments))


def shell(script: str) -> Run:
    """`$run` is the run's directory."""
    return ("sh", "-c", f'run=$(dirname "$(dirname "$FIRSTLINE_OUTPUT")"); {script}')


def run_of(handle: Handle) -> RunDirectory:
    return RunDirectory(Path(handle.where))


def supervisor_of(handle: Handle) -> psutil.Process:
    parent = psutil.Process(run_of(handle).process()["id"]).parent()
    assert parent is not None
    return parent


def left(handle: Handle) -> list[tree.Process]:
    return tree.marked(run_of(handle).mark)


@pytest.mark.parametrize("program", [BREEDING, FLEEING], ids=["breeding", "fleeing"])
async def test_processes_that_multiply_are_ended_to_the_last(bench: Bench, tmp_path: Path, program: str) -> None:
    handle = await bench.start(python(program, tmp_path / "bred"))
    await until((tmp_path / "bred").exists)
    await bench.executor.cancel(handle)
    assert (await bench.end(handle)).state is State.CANCELLED
    assert left(handle) == []


async def test_processes_that_multiply_beyond_their_bound_are_ended_to_the_last(bench: Bench, tmp_path: Path) -> None:
    handle = await bench.start(python(BREEDING, tmp_path / "bred"), bounds=Bounds(processes=8))
    progress = await bench.end(handle)
    assert progress.state is State.FAILED
    assert "more than 8 processes" in progress.detail
    assert left(handle) == []


async def test_a_supervisor_that_was_stopped_goes_on_when_somebody_looks(bench: Bench) -> None:
    handle = await bench.start(("sleep", "100000"), timeout=1.0)
    supervisor_of(handle).suspend()
    assert (await bench.end(handle)).state is State.TIMED_OUT


async def test_a_supervisor_that_was_stopped_can_be_cancelled(bench: Bench) -> None:
    handle = await bench.start(("sleep", "100000"))
    supervisor_of(handle).suspend()
    await bench.executor.cancel(handle)
    assert (await bench.end(handle)).state is State.CANCELLED


async def test_an_end_that_the_command_made_up_is_not_believed(bench: Bench, tmp_path: Path) -> None:
    made_up = """echo '{"state": "succeeded"}' > "$run/ended.json"; mkfifo "$gate"; read -r _ < "$gate"; exit 9"""
    handle = await bench.start(shell(made_up), environment={"gate": str(tmp_path / "gate")})
    await until((tmp_path / "gate").exists)
    assert (await bench.executor.watch(handle)).state is State.RUNNING
    (tmp_path / "gate").write_text("go\n")
    assert (await bench.end(handle)).exit_status == 9


async def test_a_run_whose_directory_is_gone_is_unknown_and_can_be_ended(bench: Bench) -> None:
    handle = await bench.start(shell('rm -rf "$run"; exec sleep 100000'))
    await until(lambda: not Path(handle.where).exists())
    progress = await bench.end(handle)
    assert progress.state is State.UNKNOWN
    assert "still running" in progress.detail
    with pytest.raises(Unknown):
        await bench.executor.cancel(handle)
    assert left(handle) == []


async def test_a_run_whose_supervisor_hears_nothing_can_be_ended(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("firstline.executors.process.cancel.PATIENCE", 0.5)
    handle = await bench.start(
        shell('rm "$run/control"; > "$ready"; sleep 100000'), environment={"ready": str(tmp_path / "r")}
    )
    await until((tmp_path / "r").exists)
    await bench.executor.cancel(handle)
    assert (await bench.end(handle)).state is State.FAILED
    assert left(handle) == []


@pytest.mark.parametrize("instead", ["mkdir $run/ended.json", "rm $run/ended.draft; mkfifo $run/ended.draft"])
async def test_what_is_no_file_in_place_of_a_record_makes_it_unknown(bench: Bench, instead: str) -> None:
    handle = await bench.start(shell(instead))
    progress = await bench.end(handle)
    assert progress.state is State.UNKNOWN
    assert progress.detail
