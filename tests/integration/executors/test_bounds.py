"""What a command may use of its machine, and what becomes of one that uses more."""

import signal
import sys
from pathlib import Path

import pytest

from firstline.errors import Rejected
from firstline.executor import Bounds, Progress, Sandbox, State
from firstline.executors.command.tool import Tools
from firstline.testing.executor import Bench, text_of
from firstline.testing.peer import need

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def _prlimit() -> None:
    need("prlimit", package="util-linux")


async def run(bench: Bench, program: str, bounds: Bounds, sandbox: Sandbox | None = None) -> Progress:
    return await bench.end(await bench.start((sys.executable, "-c", program), bounds=bounds, sandbox=sandbox))


async def test_what_stays_within_its_bounds_succeeds_and_they_are_told(bench: Bench) -> None:
    bounds = Bounds(cpu=20, memory=500_000_000, processes=5, file_size=1_000)
    progress = await run(bench, "print('x')", bounds)
    assert progress.state is State.SUCCEEDED, progress
    words = "at most 20 s of processor time, 500000000 bytes of memory, 5 processes, 1000 bytes a file"
    assert progress.surroundings == words


async def test_a_file_grows_no_further_than_it_may(bench: Bench) -> None:
    program = "import os; open('big', 'wb').write(bytes(1000)); os.write(1, b'here'); open('big', 'ab', 0).write(b'x')"
    progress = await run(bench, program, Bounds(file_size=1000))
    assert (progress.state, text_of(progress, "stdout")) == (State.FAILED, "here")


async def test_one_process_gets_no_more_memory_than_it_may(bench: Bench) -> None:
    progress = await run(bench, "bytearray(400_000_000)", Bounds(memory=200_000_000))
    assert progress.state is State.FAILED
    assert "MemoryError" in text_of(progress)


async def test_several_processes_together_get_no_more_memory_than_they_may(bench: Bench) -> None:
    program = "import os, time; [os.fork() for _ in range(2)]; hold = b'x' * 60_000_000; time.sleep(1000)"
    progress = await run(bench, program, Bounds(memory=150_000_000))
    assert (progress.state, progress.detail) == (
        State.FAILED,
        "it used more than 150000000 bytes of memory, and was stopped",
    )


async def test_several_processes_together_get_no_more_processor_time_than_they_may(bench: Bench) -> None:
    spin = "import os; [os.fork() for _ in range(2)]\nfor _ in range(30_000_000): pass\nos._exit(0)"
    progress = await run(bench, spin, Bounds(cpu=0.4))
    assert progress.state is State.FAILED
    # The kernel looks at each alone; on a machine that has time for no one else it may be first.
    by_kernel = progress.exit_status == 128 + signal.SIGXCPU
    assert by_kernel or progress.detail == "it used more than 0.4 seconds of processor time, and was stopped"


@pytest.mark.parametrize("sandbox", [None, Sandbox()])
async def test_no_more_processes_than_it_may_are_there_at_a_time(bench: Bench, sandbox: Sandbox | None) -> None:
    if sandbox:
        need("bwrap", package="bubblewrap")
    three = "import os, time; [os.fork() or time.sleep(1000) for _ in range(2)]; time.sleep(1000)"
    progress = await run(bench, three, Bounds(processes=2), sandbox)
    assert progress.state is State.FAILED
    assert "more than 2 processes at a time" in progress.detail
    two = "import os; os.fork() and os.wait()"
    assert (await run(bench, two, Bounds(processes=2), sandbox)).state is State.SUCCEEDED


async def test_where_bounds_can_not_be_held_nothing_begins(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("firstline.executors.command.executor.find_tools", lambda: Tools())
    with pytest.raises(Rejected, match="prlimit is not installed"):
        await run(bench, f"open('{tmp_path}/x', 'w')", Bounds(file_size=10))
    assert not (tmp_path / "x").exists()
    assert "bounds" in [finding.subject for finding in await bench.executor.check() if not finding.ok]
