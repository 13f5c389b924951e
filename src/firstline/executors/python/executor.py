"""A step as a function of an installed package, run in a process of its own."""

import asyncio
import math
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel

from firstline.errors import Rejected
from firstline.executor import Executor, Handle, Progress, State, Step
from firstline.executors.command import CommandExecutor, CommandSettings
from firstline.executors.process.run_directory import RunDirectory, Standing
from firstline.executors.python import discovery
from firstline.executors.python.call import Call, Order, failure_file
from firstline.executors.python.chain import Link, after, chain, link_at, shifted
from firstline.executors.python.request import command_of, order_of
from firstline.executors.python.settings import PythonSettings
from firstline.executors.python.signature import signature_of
from firstline.finding import Finding


class PythonExecutor(Executor[PythonSettings]):
    """Runs each step as a call of one async function, in a process that is a command of this machine; so what holds for
    `CommandExecutor` of beginning once, of being found again and of being stopped holds here.

    How it ends: succeeded, with what the function returned as outputs; failed with 1 when it raised, and `detail` has
    the exception's words; or with the status it gave to `sys.exit`.

    A run that was lost (its supervisor was killed, or the machine went down) is unknown. Only where the function was
    declared resumable is it begun again, after all that is left of the lost one has been ended: by an executor that
    was asked to start it when it is looked at, by any other when it is asked. `surroundings` says so.
    """

    name: ClassVar[str] = "python"
    settings_model: ClassVar[type[BaseModel]] = PythonSettings
    step_model: ClassVar[type[BaseModel]] = Call
    supports_dry_run: ClassVar[bool] = True

    def __init__(self, settings: PythonSettings) -> None:
        super().__init__(settings)
        self._directory = settings.directory.absolute()
        self._steps: dict[str, Step] = {}  # of resumable functions, as we were asked to begin them, by where they run
        self._command = CommandExecutor(
            CommandSettings(
                directory=settings.directory,
                environment=settings.environment,
                kill_grace=settings.kill_grace,
                keep=math.inf,  # the executor for commands, which has the same directory, removes what is old
            )
        )

    async def check(self) -> list[Finding]:
        return await asyncio.to_thread(lambda: [_examined(name) for name in discovery.names()])

    async def start(self, step: Step) -> Handle:
        run = RunDirectory(self._directory / step.id)
        if run.has_begun():
            self._remember(step, Link(1, run).order)
            await self._resume(step, run.path)
        else:
            order = await asyncio.to_thread(order_of, step, self.settings)
            await self._begin(step, order, Link(1, run))
        return Handle(executor=self.name, step=step.id, where=str(run.path))

    async def watch(self, handle: Handle, offset: int = 0) -> Progress:
        where = Path(handle.where)
        while True:
            links = chain(where)
            progress = await self._look(handle, links, offset)
            if progress.state is State.UNKNOWN and handle.where in self._steps:
                await self._resume(self._steps[handle.where], where)
            if progress.state is not State.UNKNOWN or len(chain(where)) == len(links):
                break
        if progress.state.ended:
            self._steps.pop(handle.where, None)
        return progress

    async def wait(self, handle: Handle, timeout: float) -> None:
        await self._command.wait(chain(Path(handle.where))[-1].handle(handle.step), timeout)

    async def cancel(self, handle: Handle) -> None:
        self._steps.pop(handle.where, None)
        last = chain(Path(handle.where))[-1]
        await self._command.cancel(last.handle(handle.step))
        if self._is_lost_and_resumable(last):
            following = after(last)  # which must not begin any more, whoever is about to
            following.run.make()
            await self._command.cancel(following.handle(handle.step))

    async def forget(self, handle: Handle) -> None:
        for link in chain(Path(handle.where)):
            await self._command.forget(link.handle(handle.step))

    async def aclose(self) -> None:
        await self._command.aclose()

    async def _look(self, handle: Handle, links: list[Link], offset: int) -> Progress:
        link = link_at(links, offset)
        progress = await self._command.watch(link.handle(handle.step), offset - link.before)
        if link is not links[-1]:
            return shifted(progress, link.before).model_copy(update={"state": State.RUNNING, "more": True})
        return shifted(self._told(progress, link), link.before)

    async def _begin(self, step: Step, order: Order, link: Link) -> None:
        link.run.make()
        command = await asyncio.to_thread(command_of, link.step(step), order, link.run.work)
        await self._command.start(command)
        self._remember(step, order)

    def _remember(self, step: Step, order: Order | None) -> None:
        if order and order.resumable:
            self._steps[str(self._directory / step.id)] = step

    async def _resume(self, step: Step, first: Path) -> None:
        """Begin it again, should it be lost and may it be. Asked by many at a time, one begins."""
        last = chain(first)[-1]
        order = last.order
        if not order or not self._is_lost_and_resumable(last):
            return
        handle = last.handle(step.id)
        await self._command.cancel(handle)
        progress = await self._command.watch(handle)
        while progress.more:
            progress = await self._command.watch(handle, progress.offset)
        changes = {
            "run": order.run.model_copy(update={"resumed": True}),
            "before": last.before + progress.offset,
            "dropped": order.dropped + progress.dropped,
        }
        await self._begin(step, order.model_copy(update=changes), after(last))

    def _told(self, progress: Progress, link: Link) -> Progress:
        """As it is, in the function's own words; of a run that was begun again, that it was."""
        detail, surroundings, order = progress.detail, progress.surroundings, link.order
        failure = failure_file(link.run.outputs)
        if progress.state is State.FAILED and failure.exists():
            detail = failure.read_text(encoding="utf-8", errors="replace")
        if link.number > 1:
            surroundings = f"{surroundings}; begun for the {link.number}. time: it was lost before".removeprefix("; ")
        if progress.state is State.UNKNOWN and self._is_lost_and_resumable(link):
            detail = f"{detail}; its function may be called again: starting the step once more does that"
        dropped = progress.dropped + (order.dropped if order else 0)
        return progress.model_copy(update={"detail": detail, "surroundings": surroundings, "dropped": dropped})

    def _is_lost_and_resumable(self, link: Link) -> bool:
        if link.run.standing() is not Standing.LOST or link.number > self.settings.resumptions:
            return False
        order = link.order
        return order is not None and order.resumable


def _examined(name: str) -> Finding:
    try:
        signature_of(discovery.load(discovery.find(name).value))
    except Rejected as error:
        mend = "its package must be mended, or removed"
        return Finding(ok=False, subject=name, message=f"the function {name}: {error}", mend=mend)
    return Finding(ok=True, subject=name, message="a function that runbooks can call")
