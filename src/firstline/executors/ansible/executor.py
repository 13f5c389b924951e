"""A step as a playbook, run by ansible-playbook as a process of this machine."""

import asyncio
import math
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel

from firstline.errors import Unavailable
from firstline.executor import Executor, Handle, Progress, State, Step
from firstline.executors.ansible import event
from firstline.executors.ansible.artifact import Artifacts
from firstline.executors.ansible.examination import examine
from firstline.executors.ansible.inventory import inventory_of, names
from firstline.executors.ansible.play import Play
from firstline.executors.ansible.request import command_of, play_of, variables_of
from firstline.executors.ansible.settings import AnsibleSettings
from firstline.executors.command import CommandExecutor, CommandSettings
from firstline.executors.process.cancel import NotNow, end_remains
from firstline.executors.process.look import remains
from firstline.executors.process.run_directory import RunDirectory
from firstline.finding import Finding


class AnsibleExecutor(Executor[AnsibleSettings]):
    """Runs each step as one ansible-playbook on all its targets. That process is a command of this machine, so what
    holds for `CommandExecutor` of beginning once, of being found again and of being stopped holds here.

    How it ends: as ansible-playbook does (0 succeeded, 2 a task failed, 4 a host could not be reached); `detail` names
    the hosts with their tasks. A playbook that ran on none of its targets has failed, though Ansible has no complaint.
    """

    name: ClassVar[str] = "ansible"
    settings_model: ClassVar[type[BaseModel]] = AnsibleSettings
    step_model: ClassVar[type[BaseModel]] = Play
    many: ClassVar[bool] = True
    supports_dry_run: ClassVar[bool] = True

    def __init__(self, settings: AnsibleSettings) -> None:
        super().__init__(settings)
        self._directory = settings.directory.absolute()
        self._command = CommandExecutor(
            CommandSettings(
                directory=settings.directory,
                environment=settings.environment,
                kill_grace=settings.kill_grace,
                keep=math.inf,  # the executor for commands, which has the same directory, removes what is old
            )
        )

    async def check(self) -> list[Finding]:
        return await examine(self.settings)

    async def start(self, step: Step) -> Handle:
        run = RunDirectory(self._directory / step.id)
        if not run.has_begun():
            await self._command.start(await asyncio.to_thread(self._prepare, step, run))
        return Handle(executor=self.name, step=step.id, where=str(run.path))

    async def watch(self, handle: Handle, offset: int = 0) -> Progress:
        progress = await self._command.watch(handle, offset)
        if not progress.state.ended:
            return progress
        run = RunDirectory(Path(handle.where))
        story = await asyncio.to_thread(event.read, Artifacts(run.work).events)
        if progress.state is State.FAILED and not story.over and (left := await asyncio.to_thread(remains, run)):
            running = ", ".join(f"{process.id} ({process.name})" for process in left)
            detail = f"ansible-playbook ended before its playbook ({progress.detail}); still running: {running}"
            progress = progress.model_copy(update={"state": State.UNKNOWN, "detail": detail})
        return await self._told(handle, progress, story)

    async def wait(self, handle: Handle, timeout: float) -> None:
        await self._command.wait(handle, timeout)

    async def cancel(self, handle: Handle) -> None:
        await self._command.cancel(handle)
        try:
            await asyncio.to_thread(self._end_rest, RunDirectory(Path(handle.where)))
        except NotNow as error:
            raise Unavailable(f"run {handle.step}: {error}") from None

    async def forget(self, handle: Handle) -> None:
        await self._command.forget(handle)
        run = RunDirectory(Path(handle.where))
        if run.ended_at() is not None:
            await asyncio.to_thread(Artifacts(run.work).forget)

    async def aclose(self) -> None:
        await self._command.aclose()

    def _prepare(self, step: Step, run: RunDirectory) -> Step:
        play = play_of(step)
        targets = names(step, self.settings)
        artifacts = Artifacts(run.work)
        command = command_of(step, play, self.settings, artifacts)
        run.make()
        artifacts.write(self.settings, inventory_of(targets, self.settings, artifacts.home), variables_of(step, play))
        return command

    def _end_rest(self, run: RunDirectory) -> None:
        """What an ansible-playbook that was killed could not end itself."""
        artifacts = Artifacts(run.work)
        if not event.read(artifacts.events).over:
            end_remains(run, self.settings.kill_grace)
        artifacts.close_connections()
        artifacts.clear()

    async def _told(self, handle: Handle, progress: Progress, story: event.Story) -> Progress:
        """The end in the playbook's own terms."""
        state, detail = progress.state, progress.detail
        if state is State.SUCCEEDED and not story.over:
            detail = "what it did on which host is not on record"
        elif state is State.SUCCEEDED and not story.hosts:
            state, detail = State.FAILED, "it ran on none of its targets: no play names them, or no task was left"
        elif state is State.FAILED:
            detail = event.words(story) if story.lost() else f"{detail}: {await self._complaint(handle)}"
        elif state is not State.SUCCEEDED and story.task:
            detail = f"{detail}; the last task that began: {story.task!r}".removeprefix("; ")
        return progress.model_copy(update={"state": state, "detail": detail})

    async def _complaint(self, handle: Handle) -> str:
        """What Ansible said where no task failed: the playbook can't be read, say."""
        output = (await self._command.watch(handle)).output
        lines = "".join(chunk.text for chunk in output).splitlines()
        complaints = [line for line in lines if "ERROR" in line]
        return (complaints or lines[-1:] or ["it said nothing"])[0][:600]
