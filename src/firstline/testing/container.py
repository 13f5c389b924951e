"""A container in small, for stand-ins of what runs programs elsewhere: a real process of this machine, found with all
it started, and ended with it, as a container's end ends all that is in it."""

import asyncio
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from firstline.executors.process import tree

MARK = "STAND_IN_CONTAINER"


class Container:
    """Runs one program; what it writes goes to `output`, both streams in one, or `errors` apart. All it starts has the
    mark in its environment, also what left its session."""

    def __init__(
        self, run: Sequence[str], environment: Mapping[str, str], output: Path, errors: Path | None = None
    ) -> None:
        self.mark = {MARK: uuid4().hex}
        self._mark = f"{MARK}={self.mark[MARK]}"
        with output.open("ab", buffering=0) as out, (errors or output).open("ab", buffering=0) as err:
            self._process = subprocess.Popen(  # noqa: S603 - what the test asked for
                list(run),
                env=dict(environment) | self.mark,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=output.parent,
                start_new_session=True,
            )

    @property
    def exit_status(self) -> int | None:
        """As a shell tells it: 128 and the signal's number where one ended it. None: it runs."""
        status = self._process.poll()
        return status if status is None or status >= 0 else 128 - status

    async def ended(self) -> int:
        while self.exit_status is None:  # noqa: ASYNC110 - a process ends without an event of this loop
            await asyncio.sleep(0.005)
        await self.sweep()
        return self.exit_status

    async def stop(self, grace: float = 0.0) -> None:
        """Ask the first process to end, then end all of them."""
        if grace:
            self._process.terminate()
            with suppress(TimeoutError):
                await asyncio.wait_for(self.ended(), grace)
        await self.sweep()

    async def sweep(self) -> None:
        """Kill whoever bears the mark, until nobody does."""
        while self.kill():  # noqa: ASYNC110 - the kernel ends them without an event of this loop
            await asyncio.sleep(0.002)

    def kill(self) -> int:
        """How many there were to be killed."""
        self._process.poll()
        found = tree.marked(self._mark.encode())
        for process in found:
            tree.send(process, signal.SIGKILL)
        return len(found)
