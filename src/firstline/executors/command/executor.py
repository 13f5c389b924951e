"""A step as a process of this machine, which goes on when the hub dies."""

import asyncio
import json
import os
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from anyio import CapacityLimiter, to_thread
from pydantic import BaseModel

from firstline.errors import Unavailable, Unknown
from firstline.executor import Executor, Handle, Progress, Step, parameters
from firstline.executors.command.health import findings
from firstline.executors.command.launcher import Launcher
from firstline.executors.command.progress import progress_of
from firstline.executors.command.request import request_of
from firstline.executors.command.retention import strip
from firstline.executors.command.settings import CommandSettings
from firstline.executors.command.tool import Tools, find_tools
from firstline.executors.process.cancel import NotKnown, NotNow, cancel
from firstline.executors.process.look import look
from firstline.executors.process.request import BEGUN, Request
from firstline.executors.process.run_directory import RunDirectory
from firstline.finding import Finding

ANSWER = 30.0  # seconds a supervisor has to say that the run began: a busy disk may take some
CANCELS = 200  # at a time; each waits in a thread of its own
BEGINNINGS = 32  # at a time: each has files open, and more of them would only make each late
CHANNELS = 200  # kept open, of runs whose end is heard of; for others it is looked from time to time
TIDY = 3600.0  # seconds between two looks for runs that are old
LOOK = 0.005  # seconds between two looks at what no event tells


class CommandExecutor(Executor[CommandSettings]):
    """Runs each step as a local process in a session of its own. `Step.target` is for people here.

    How a step ends: exit status 0 succeeded, another failed; ended by signal N, failed with 128 + N. A program that is
    not there or may not be executed is `Rejected`; one that the kernel refuses all the same (a script whose interpreter
    is missing, arguments too long) has failed with 127 or 126, and `detail` says why.

    What a command started and left behind goes on when it ends by itself. On time-out and cancel all its descendants
    are ended, SIGTERM first, then SIGKILL; those that have become another user's, or run elsewhere (a container
    engine's, cron's), are not its descendants.

    While it runs, output is shown as far as the head, half of the step's limit; the rest with the end.
    """

    name: ClassVar[str] = "command"
    settings_model: ClassVar[type[BaseModel]] = CommandSettings
    runs: ClassVar[bool] = True

    def __init__(self, settings: CommandSettings) -> None:
        super().__init__(settings)
        self._directory = settings.directory.resolve()
        self._launcher = Launcher()
        self._cancels = CapacityLimiter(CANCELS)
        self._beginnings = CapacityLimiter(BEGINNINGS)
        self._found: Tools | None = None
        self._tidy_at = 0.0
        self._tidying: asyncio.Future[list[str]] | None = None
        self._channels: dict[str, socket.socket] = {}

    async def check(self) -> list[Finding]:
        self._found = await asyncio.to_thread(find_tools)
        tidied = self._tidying.result() if self._tidying and self._tidying.done() else []
        return findings(self.settings, self._directory, self._found, tidied)

    async def start(self, step: Step) -> Handle:
        self.refuse_dry_run(step)
        parameters(self.step_model, step)
        run = RunDirectory(self._directory / step.id)
        if not run.has_begun():
            request = request_of(step, run, self.settings, await self._tools())
            async with self._beginnings:
                await self._begin(run, request)
            self._tidy()
        return Handle(executor=self.name, step=step.id, where=str(run.path))

    async def watch(self, handle: Handle, offset: int = 0) -> Progress:
        try:
            progress = progress_of(await asyncio.to_thread(look, RunDirectory(Path(handle.where)), offset))
        except OSError as error:
            raise Unavailable(f"run {handle.step} can't be looked at: {error}") from error
        if progress.state.ended:
            self._forget(handle.where)
        return progress

    async def wait(self, handle: Handle, timeout: float) -> None:
        """Return when the run has ended, at the latest after `timeout` seconds. Costs nothing meanwhile for a run that
        this object began; for one found again it returns after `timeout`. What is the case, `watch` tells."""
        channel = self._channels.get(handle.where)
        if channel is None:
            await asyncio.sleep(timeout)
            return
        with channel.dup() as ours, suppress(TimeoutError):
            ours.setblocking(False)
            await asyncio.wait_for(asyncio.get_running_loop().sock_recv(ours, 1), timeout)

    async def cancel(self, handle: Handle) -> None:
        run = RunDirectory(Path(handle.where))
        try:
            await to_thread.run_sync(cancel, run, self.settings.kill_grace, limiter=self._cancels)
        except (NotNow, OSError) as error:
            raise Unavailable(f"run {handle.step}: {error}") from None
        except NotKnown as error:
            raise Unknown(f"run {handle.step}: {error}") from None
        self._forget(handle.where)

    async def forget(self, handle: Handle) -> None:
        run = RunDirectory(Path(handle.where))
        if run.ended_at() is not None:
            await asyncio.to_thread(run.strip_output)

    async def aclose(self) -> None:
        if self._tidying:
            await asyncio.wait([self._tidying])
        for where in list(self._channels):
            self._forget(where)
        await asyncio.to_thread(self._launcher.close)

    async def _tools(self) -> Tools:
        """What this machine has, looked at once; again with each `check`."""
        if self._found is None:
            self._found = await asyncio.to_thread(find_tools)
        return self._found

    def _tidy(self) -> None:
        """Once an hour, beside the work; what fails then, `check` tells."""
        if time.monotonic() >= self._tidy_at:
            self._tidy_at = time.monotonic() + TIDY
            before = time.time() - self.settings.keep * 86_400
            self._tidying = asyncio.get_running_loop().run_in_executor(None, strip, self._directory, before)

    async def _begin(self, run: RunDirectory, request: Request) -> None:
        """Return when it has begun, by us or by whoever else holds the lock."""
        try:
            await self._begin_once(run, request)
        except OSError as error:
            raise Unavailable(f"run {request['step']} can't begin: {error}", perhaps=run.has_begun()) from error

    async def _begin_once(self, run: RunDirectory, request: Request) -> None:
        run.make(0o711 if "owner" in request else 0o700)
        deadline = time.monotonic() + ANSWER
        while not run.has_begun():
            lock = run.lock()
            if lock is None:
                await _pause(deadline, f"run {request['step']} is being begun by somebody else")
                continue
            try:
                if not run.has_begun():
                    await self._launch(run, request, lock)
            finally:
                os.close(lock)

    async def _launch(self, run: RunDirectory, request: Request, lock: int) -> None:
        """Pass the lock on, with the request. No answer and no supervisor: the launcher died under it, so once more;
        the lock was ours all the time."""
        for _ in range(2):
            answer = await self._ask(request, lock)
            if answer == BEGUN or run.has_begun():
                return
            if answer:
                raise Unavailable(f"run {request['step']} can't begin: {answer.decode(errors='replace')}")
        raise Unavailable(f"run {request['step']} can't begin: the launcher dies")

    async def _ask(self, request: Request, lock: int) -> bytes:
        """The supervisor's answer; empty when it is gone. The channel of a run that began is kept: it closes with the
        run's end."""
        ours, theirs = socket.socketpair()
        answer = b""
        try:
            with theirs:
                self._launcher.send(lock, theirs)
            answer = await asyncio.wait_for(_exchange(ours, json.dumps(request).encode()), ANSWER)
        except TimeoutError as error:
            await asyncio.to_thread(self._launcher.close)  # should it hang, it lets go of the lock
            words = f"run {request['step']}: no word whether it began after {ANSWER:g} seconds"
            raise Unavailable(words, perhaps=True) from error
        finally:
            if answer == BEGUN and len(self._channels) < CHANNELS:
                self._channels[request["workplace"]] = ours
            else:
                ours.close()
        return answer

    def _forget(self, where: str) -> None:
        if channel := self._channels.pop(where, None):
            channel.close()


async def _exchange(channel: socket.socket, request: bytes) -> bytes:
    loop = asyncio.get_running_loop()
    channel.setblocking(False)
    try:
        await loop.sock_sendall(channel, request)
        channel.shutdown(socket.SHUT_WR)
        answer = await loop.sock_recv(channel, len(BEGUN))
        while answer != BEGUN and (more := await loop.sock_recv(channel, 4096)):
            answer += more
    except (BrokenPipeError, ConnectionResetError):
        return b""
    return answer


async def _pause(deadline: float, otherwise: str) -> None:
    if time.monotonic() >= deadline:
        raise Unavailable(otherwise)
    await asyncio.sleep(LOOK)
