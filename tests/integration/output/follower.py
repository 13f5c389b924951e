"""A program that begins a step or finds it begun, and follows it into its log, as a hub does; told by JSON on its
command line, and killed by a test. At the end it prints what is known of the log."""

import asyncio
import json
import sys
from pathlib import Path

from firstline.executor import Step
from firstline.executors.command import CommandExecutor, CommandSettings
from firstline.masking import Masker, StreamMasker
from firstline.remediation.run.log import LogWriter
from firstline.remediation.run.record import Record, follow


async def main(place: Path, run: tuple[str, ...], secret: str, limit: int) -> None:
    executor, masker = CommandExecutor(CommandSettings(directory=place / "runs")), Masker([secret])
    try:
        handle = await executor.start(Step(id="step", run=run, output_limit=limit))
        record = Record(LogWriter(place / "step.log", limit), lambda: StreamMasker(masker), 10_000)
        progress, printed = await follow(executor, handle, record)
        told = {"state": progress.state, "output": printed.excerpt, **printed.log.facts}
        sys.stdout.write(json.dumps(told))
    finally:
        await executor.aclose()


if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    asyncio.run(main(Path(asked["place"]), tuple(asked["run"]), asked["secret"], asked["limit"]))
