"""What a run prints, a hundred megabytes of it: through a real command, masked, into its log, in bounded memory."""

import asyncio
import resource
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmark.figure import tell

from firstline.executor import Step
from firstline.executors.command import CommandExecutor, CommandSettings
from firstline.masking import Masker, StreamMasker
from firstline.remediation.run.log import LogWriter
from firstline.remediation.run.record import Printed, Record, follow

MIB = 1_048_576
PRINTED = 100 * MIB
LIMIT = 128 * MIB
EXCERPT = 262_144
LINE = "2026-11-23 10:00:00 INFO shop.web answered 200 to GET /basket in 17 ms for customer 4711 from 10.0.0.7"
SECRETS = [f"a-secret-of-the-hub-{number:04}" for number in range(50)]


def run() -> None:
    with TemporaryDirectory() as place:
        asyncio.run(_small(Path(place)))  # what everything needs is there
        before, began = _peak(), time.monotonic()
        printed = asyncio.run(_print(Path(place), "large", PRINTED))
        took, grown = time.monotonic() - began, (_peak() - before) / MIB
    shared = {"printed_mib": PRINTED / MIB, "log_mib": printed.log.size / MIB, "row_kib": len(printed.excerpt) / 1024}
    tell("output memory", grown, "MiB more", wanted="< 64 for 100 MiB printed", met=grown < 64, **shared)
    tell(
        "output speed", PRINTED / MIB / took, "MiB/s", wanted="> 2", met=PRINTED / MIB / took > 2, secrets=len(SECRETS)
    )


async def _small(place: Path) -> None:
    await _print(place, "small", 2 * MIB)


async def _print(place: Path, name: str, size: int) -> Printed:
    executor, masker = CommandExecutor(CommandSettings(directory=place / "runs")), Masker(SECRETS)
    record = Record(LogWriter(place / f"{name}.log", LIMIT), lambda: StreamMasker(masker), EXCERPT)
    try:
        command = ("sh", "-c", f"yes '{LINE}' | head -c {size}")
        handle = await executor.start(Step(id=name, run=command, output_limit=LIMIT))
        return (await follow(executor, handle, record))[1]
    finally:
        await executor.aclose()


def _peak() -> int:
    """Bytes of memory that this process had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
