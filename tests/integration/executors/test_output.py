"""What commands write, and how much of it stays."""

import os
import sys
from pathlib import Path

import psutil
import pytest

from firstline.executor import State
from firstline.executors.process.run_directory import RunDirectory
from firstline.testing.executor import Bench, text_of, until

pytestmark = pytest.mark.anyio


def python(program: str) -> tuple[str, ...]:
    return (sys.executable, "-c", f"import sys, os; {program}")


async def test_a_hundred_megabytes_fill_neither_memory_nor_disk(bench: Bench, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    program = f"head -c 100000000 /dev/zero | tr '\\0' x; mkfifo {gate}; read -r _ < {gate}; echo end"
    handle = await bench.start(("sh", "-c", program), output_limit=1_000_000)
    run = RunDirectory(Path(handle.where))
    await until(gate.exists)
    supervisor = psutil.Process(run.process()["id"]).parent()
    assert supervisor is not None
    assert supervisor.memory_info().rss < 40_000_000
    assert sum(file.stat().st_size for file in run.path.iterdir()) < 1_600_000
    gate.write_text("go\n")
    progress = await bench.end(handle)
    assert progress.state is State.SUCCEEDED
    assert text_of(progress) == "x" * 999_996 + "end\n"
    assert (progress.dropped, progress.offset) == (99_000_004, 100_000_004)


async def test_what_is_seen_while_it_runs_and_after_is_never_more_than_the_limit(bench: Bench) -> None:
    handle = await bench.start(("sh", "-c", "seq 1 200000"), output_limit=10_000)
    progress = await bench.end(handle)
    assert len(text_of(progress)) == 10_000
    assert text_of(progress) == text_of(await bench.executor.watch(handle))


async def test_a_character_written_in_two_halves_is_one(bench: Bench, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    program = f"printf 'x\\303'; printf err >&2; mkfifo {gate}; read -r _ < {gate}; printf '\\251'"
    handle = await bench.start(("sh", "-c", program))
    await until(gate.exists)
    gate.write_text("go\n")
    progress = await bench.end(handle)
    assert text_of(progress, "stdout") == "xé"
    assert text_of(progress, "stderr") == "err"


async def test_bytes_that_are_no_text_are_replaced_and_the_rest_survives(bench: Bench) -> None:
    progress = await bench.end(await bench.start(("printf", r"a\377b\000c\303")))
    assert text_of(progress) == "a\ufffdb\0c\ufffd"
    assert progress.offset == 6


async def test_noise_of_all_bytes_is_survived(bench: Bench) -> None:
    progress = await bench.end(await bench.start(python("os.write(1, bytes(range(256)) * 1000)")))
    assert (progress.state, progress.offset) == (State.SUCCEEDED, 256_000)
    assert text_of(progress) == (bytes(range(256)) * 1000).decode(errors="replace")


async def test_what_is_written_to_both_in_turn_keeps_its_order(bench: Bench, tmp_path: Path) -> None:
    """As long as the writer pauses: two pipes tell nothing of what was written between two looks."""
    gates = [tmp_path / f"gate-{number}" for number in range(6)]
    for gate in gates:
        os.mkfifo(gate)
    program = "; ".join(f"echo {number} >&{1 + number % 2}; read -r _ < {gate}" for number, gate in enumerate(gates))
    handle = await bench.start(("sh", "-c", program))
    output = RunDirectory(Path(handle.where)).path / "output.0"
    for number, gate in enumerate(gates):
        await until(lambda size=2 * number + 2: output.exists() and output.stat().st_size == size)  # type: ignore[misc]
        gate.write_text("go\n")
    progress = await bench.end(handle)
    assert [(chunk.stream, chunk.text) for chunk in progress.output] == [
        (("stdout", "stderr")[number % 2], f"{number}\n") for number in range(6)
    ]


async def test_a_run_that_closes_its_output_goes_on(bench: Bench) -> None:
    progress = await bench.end(await bench.start(("sh", "-c", "exec >&- 2>&-; sleep 0.05; exit 5")))
    assert (progress.state, progress.exit_status) == (State.FAILED, 5)
