"""A hub in small, to be killed: runs the steps one after the other and notes each that it saw end. Begun again, it goes
on with the first that is not noted. Arguments: the folder and the number of steps."""

import asyncio
import os
import sys
from pathlib import Path

from firstline.executor import Step
from firstline.executors.command import CommandExecutor, CommandSettings


async def main(place: Path, number: int) -> None:
    executor = CommandExecutor(CommandSettings(directory=place / "runs"))
    ended = (place / "ended").read_text().split() if (place / "ended").exists() else []
    print("ready", flush=True)  # noqa: T201 - the test waits for it
    for step in (f"step-{count}" for count in range(number)):
        if any(line.startswith(f"{step}:") for line in ended):
            continue
        run = ("sh", "-c", f"echo {step} >> {place}/begun; sleep 0.00$(($$ % 10))")
        handle = await executor.start(Step(id=step, run=run))
        while not (progress := await executor.watch(handle)).state.ended:
            await executor.wait(handle, 0.005)
        with (place / "ended").open("a") as file:
            file.write(f"{step}:{progress.state}\n")
            file.flush()
            os.fsync(file.fileno())


asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
