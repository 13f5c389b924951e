"""A step as a command in a pod that is there.

Nobody can attach to such a command again, so what is known of it is kept here, in the run's directory: that it begins,
before it can; its output; its end. When the hub dies under it, its end is nobody's to see: `unknown`, with who of it
runs still. A closed connection ends nothing in a container, so cancel and time-out end its processes by their mark.
"""

import asyncio
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import WebSocketException

from firstline.errors import FirstlineError, Rejected, Unavailable, Unknown
from firstline.executor import Bounds, Handle, Progress, State, Step
from firstline.executors.command.progress import progress_of
from firstline.executors.kubernetes.channel import (
    END,
    STDERR,
    STDIN,
    STDOUT,
    End,
    Spot,
    end_of,
    messages,
    run,
    shell,
    until_said,
)
from firstline.executors.kubernetes.cluster import Absent, Cluster
from firstline.executors.kubernetes.manifest import name_of
from firstline.executors.kubernetes.parameter import ExecParameters
from firstline.executors.kubernetes.script import NOT_BEGUN, SIGN, signalling, wrapped
from firstline.executors.kubernetes.selection import Target, select
from firstline.executors.kubernetes.settings import KubernetesSettings
from firstline.executors.polled.record import Record
from firstline.executors.process.look import look
from firstline.executors.process.output import OutputWriter
from firstline.executors.process.run_directory import RunDirectory, Standing

NAME = "kubernetes"
LOST = "the hub was ended while the command ran, and nobody can attach to it again"
PAUSE = 0.1  # seconds between two looks while it is being ended


class CommandRuns:
    def __init__(self, cluster: Cluster, settings: KubernetesSettings) -> None:
        self._cluster = cluster
        self._settings = settings
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def start(self, step: Step, told: ExecParameters, namespace: str) -> Handle:
        _refuse(step)
        directory = RunDirectory(self._settings.directory.absolute() / step.id)
        deadline = time.monotonic() + self._settings.settle
        while not directory.has_begun():
            directory.make()
            if (lock := directory.lock()) is not None:
                await self._begin(step, told, namespace, directory, lock)
            elif time.monotonic() > deadline:
                raise Unavailable(f"run {step.id} is being begun by somebody else")
            else:
                await asyncio.sleep(PAUSE)
        spot = Spot(*directory.begun()["spot"])
        return Handle(executor=NAME, step=step.id, where=f"exec/{spot}")

    async def watch(self, handle: Handle, offset: int) -> Progress:
        await asyncio.sleep(0)  # who looks without a pause lets the command's output come in all the same
        directory = self._directory(handle)
        progress = progress_of(look(directory, offset))
        standing = directory.standing()
        if progress.state is not State.UNKNOWN or standing in (Standing.ABSENT, Standing.NEW):
            return progress
        words = LOST if standing is Standing.LOST else progress.detail
        return progress.model_copy(update={"detail": f"{words}; {await self._remains(directory)}"})

    async def wait(self, handle: Handle, timeout: float) -> None:
        task = self._tasks.get(handle.step)
        if task is None:
            await asyncio.sleep(timeout)
        else:
            await asyncio.wait([task], timeout=timeout)

    async def cancel(self, handle: Handle) -> None:
        directory = self._directory(handle)
        standing = directory.standing()
        if standing in (Standing.ABSENT, Standing.NEW):
            raise Unknown("there is no such run here")
        if standing is Standing.ENDED and directory.ended().get("state") != State.UNKNOWN:
            return
        _note_stop(directory, State.CANCELLED, "cancelled")
        if await self._end(directory) and standing is not Standing.HELD:
            directory.record_ended({"state": State.CANCELLED, "ended_at": time.time(), "detail": "cancelled"})
        deadline = time.monotonic() + self._settings.cancel_within
        while directory.standing() is Standing.HELD:
            if time.monotonic() > deadline:
                raise Unavailable("nothing of the run works any more, and who follows it does not say so")
            await asyncio.sleep(PAUSE / 10)

    async def aclose(self) -> None:
        """Commands go on in their pods; their end will not be seen."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _begin(
        self, step: Step, told: ExecParameters, namespace: str, directory: RunDirectory, lock: int
    ) -> None:
        """Returns when it has begun, and is followed by a task that holds the lock."""
        begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if directory.has_begun():
            os.close(lock)
            return
        task = asyncio.create_task(self._follow(step, told, namespace, directory, lock, begun))
        self._tasks[step.id] = task
        task.add_done_callback(lambda _: self._tasks.pop(step.id, None))
        await begun

    async def _follow(
        self,
        step: Step,
        told: ExecParameters,
        namespace: str,
        directory: RunDirectory,
        lock: int,
        begun: asyncio.Future[None],
    ) -> None:
        try:
            spot = await select(self._cluster, told, Target.of(step, namespace), namespace)
            command, said = wrapped(step, name_of(step.id), self._settings.kill_grace)
            async with shell(self._cluster, spot, command, stdin=True) as connection:
                await until_said(connection, spot, SIGN)
                directory.record_begun(_beginning(step, spot))
                begun.set_result(None)
                end = await self._attend(connection, spot, said, step, directory)
            directory.record_ended(_ending(directory, end))
        except BaseException as error:
            if begun.done():
                raise
            begun.set_exception(error)  # whoever starts it is told
        finally:
            os.close(lock)

    async def _attend(
        self, connection: ClientConnection, spot: Spot, said: bytes, step: Step, directory: RunDirectory
    ) -> End:
        writer = OutputWriter(directory.path, step.output_limit)
        late = asyncio.create_task(self._end_when_late(step, directory))
        try:
            await connection.send(bytes([STDIN]) + said)
            return await _heard(connection, spot, writer)
        except (WebSocketException, OSError, Unavailable) as error:
            return End(None, f"the connection broke: {type(error).__name__}: {error}")
        finally:
            writer.close()
            late.cancel()
            with suppress(asyncio.CancelledError):
                await late

    async def _end_when_late(self, step: Step, directory: RunDirectory) -> None:
        await asyncio.sleep(step.timeout)
        _note_stop(directory, State.TIMED_OUT, f"its time was up after {step.timeout:g} seconds")
        while True:
            try:
                await self._end(directory)
            except FirstlineError:  # the pod's own watch ends it soon, if nobody else can
                await asyncio.sleep(PAUSE)
            else:
                return

    async def _end(self, directory: RunDirectory) -> bool:
        """Ask all of it to end, then end them; whether there was any. Raises `Unavailable`."""
        signal, kill_at = "TERM", time.monotonic() + self._settings.kill_grace
        left: list[str] = []
        found = False
        while left := await self._signal(directory, signal, left):
            found = True
            signal = "0" if time.monotonic() < kill_at else "KILL"
            if time.monotonic() > kill_at + self._settings.cancel_within:
                raise Unavailable("what is left of the run in the pod can't be ended")
            await asyncio.sleep(PAUSE)
        return found

    async def _remains(self, directory: RunDirectory) -> str:
        try:
            left = await self._signal(directory, "0")
        except FirstlineError as error:
            return f"whether it runs still can't be told: {error}"
        processes = ", ".join(each.partition("/")[0] for each in left)
        return f"still running in the pod: {processes}" if left else "nothing of it runs in the pod"

    async def _signal(self, directory: RunDirectory, signal: str, known: Sequence[str] = ()) -> list[str]:
        """Who of the run is there in the pod, signalled. A pod that is gone holds nobody."""
        spot = Spot(*directory.begun()["spot"])
        try:
            end, written = await run(self._cluster, spot, signalling(name_of(directory.path.name), signal, known))
        except Rejected as error:
            return _gone(error)
        if end.exit_status != 0:
            return _gone(Rejected(f"the pod's processes can't be looked at: {end.words}"))
        return written.split()

    def _directory(self, handle: Handle) -> RunDirectory:
        directory = RunDirectory(self._settings.directory.absolute() / handle.step)
        known = directory.begun().get("spot")
        if known and handle.where != f"exec/{Spot(*known)}":
            return RunDirectory(directory.path / "another")
        return directory


async def _heard(connection: ClientConnection, spot: Spot, writer: OutputWriter) -> End:
    async for channel, content in messages(connection, spot):
        if channel in (STDOUT, STDERR):
            writer.write(channel, content)
        elif channel == END:
            return end_of(content)
    return End(None, "the connection was closed before the end")


def _refuse(step: Step) -> None:
    if not step.run:
        raise Rejected("what is to be run in the pod is not said: `run`")
    if step.run[0].startswith("./") or (step.folder and step.run[0].startswith(step.folder)):
        raise Rejected(f"{step.run[0]!r} is a file of the runbook, and not in the pod's image: run it as a Job")
    if step.sandbox is not None or step.bounds != Bounds():
        raise Rejected("bounds and a sandbox can't be kept in a pod that is there already")


def _beginning(step: Step, spot: Spot) -> dict[str, object]:
    return {
        "started_at": time.time(),
        "output_limit": step.output_limit,
        "spot": list(spot),
        "surroundings": f"in container {spot.container} of pod {spot.namespace}/{spot.pod}, as its user",
    }


def _ending(directory: RunDirectory, end: End) -> dict[str, Any]:
    stopped = Record(directory.path).read("stopped")
    record: dict[str, Any] = {"exit_status": end.exit_status, "ended_at": time.time(), "detail": end.words}
    if end.exit_status == 0:
        return {**record, "state": State.SUCCEEDED, "detail": ""}
    if stopped:
        return {**record, "state": stopped["state"], "detail": stopped["detail"]}
    if end.exit_status is None:
        return {**record, "state": State.UNKNOWN}
    if end.exit_status == NOT_BEGUN:
        record["detail"] += "; 125 is also what is said when the command's surroundings did not come to the pod whole"
    return {**record, "state": State.FAILED}


def _note_stop(directory: RunDirectory, state: State, detail: str) -> None:
    record = Record(directory.path)
    if not record.read("stopped"):
        record.write("stopped", {"state": state, "detail": detail})


def _gone(error: Rejected) -> list[str]:
    """Nobody, where a pod or its container does not run: whoever was in it went with it."""
    if isinstance(error, Absent) or "completed pod" in str(error) or "container not found" in str(error):
        return []
    raise Unavailable(str(error))
