"""What a command's run costs over a plain subprocess: launcher, supervisor, records on disk, and a look at the end."""

import asyncio
import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median

from tests.benchmark.figure import quantile, tell

from firstline.executor import Bounds, Sandbox, Step
from firstline.executors.command import CommandExecutor, CommandSettings

ROUNDS = 100
WARM = 5
BOUNDS = Bounds(cpu=10, memory=10**9)


def run() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        bare, plain, held = asyncio.run(_measure(Path(scratch)))
    for name, took in (("command", plain), ("command, sandboxed and bounded", held)):
        over = median(took) - median(bare)
        tell(
            f"{name}: overhead",
            over * 1000,
            "ms",
            wanted="under 30",
            met=over < 0.030,
            yardstick="subprocess.run of true",
            bare_ms=median(bare) * 1000,
            p95_ms=quantile(took, 0.95) * 1000,
        )


async def _measure(scratch: Path) -> tuple[list[float], list[float], list[float]]:
    """Seconds from start to the end seen, of each, in turn: what else the machine does befalls all alike."""
    executor = CommandExecutor(CommandSettings(directory=scratch / "runs"))
    bare, plain, held = [], [], []
    for number in range(-WARM, ROUNDS):
        took = _bare(), await _run(executor, Step(id=f"plain{number}", run=("true",)))
        took_held = await _run(executor, Step(id=f"held{number}", run=("true",), sandbox=Sandbox(), bounds=BOUNDS))
        if number >= 0:
            bare.append(took[0])
            plain.append(took[1])
            held.append(took_held)
    await executor.aclose()
    return bare, plain, held


def _bare() -> float:
    begun = time.perf_counter()
    subprocess.run(["true"], check=True, capture_output=True)
    return time.perf_counter() - begun


async def _run(executor: CommandExecutor, step: Step) -> float:
    begun = time.perf_counter()
    handle = await executor.start(step)
    while not (progress := await executor.watch(handle)).state.ended:
        await executor.wait(handle, 1.0)
    assert progress.exit_status == 0, progress
    return time.perf_counter() - begun
