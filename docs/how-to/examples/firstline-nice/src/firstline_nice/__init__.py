"""An executor for Firstline: commands that give way to others, by nice(1)."""

import os
import shutil
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from firstline.errors import Rejected
from firstline.executor import Executor, Handle, Progress, Step, parameters
from firstline.executors.command import CommandExecutor, CommandSettings
from firstline.executors.process.run_directory import RunDirectory
from firstline.finding import Finding


class NiceSettings(BaseModel):
    """What stands in `[executors.nice]`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    directory: Path = Field(default=Path("state/runs"), description="Where each run has its directory.")
    kill_grace: float = Field(default=10.0, ge=0, description="Seconds from SIGTERM to SIGKILL.")


class NiceStep(BaseModel):
    """What stands in a step's `with`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    level: int = Field(default=10, ge=0, le=19, description="How much it gives way; 19: to everybody.")


class NiceExecutor(Executor[NiceSettings]):
    """Runs each step as a command of this machine, with less of a claim to the processor."""

    name: ClassVar[str] = "nice"
    settings_model: ClassVar[type[BaseModel]] = NiceSettings
    step_model: ClassVar[type[BaseModel]] = NiceStep
    runs: ClassVar[bool] = True

    def __init__(self, settings: NiceSettings) -> None:
        super().__init__(settings)
        self._directory = settings.directory.absolute()
        self._command = CommandExecutor(CommandSettings(directory=self._directory, kill_grace=settings.kill_grace))

    async def check(self) -> list[Finding]:
        program = shutil.which("nice")
        mend = "" if program else "install GNU coreutils"
        return [Finding(ok=bool(program), subject="nice", message=program or "nice is not in PATH", mend=mend)]

    async def start(self, step: Step) -> Handle:
        self.refuse_dry_run(step)
        run = RunDirectory(self._directory / step.id)
        if not run.has_begun():  # what has begun is found, whatever became of its program since
            await self._command.start(_nice(step))
        return Handle(executor=self.name, step=step.id, where=str(run.path))

    async def watch(self, handle: Handle, offset: int = 0) -> Progress:
        return await self._command.watch(handle, offset)

    async def wait(self, handle: Handle, timeout: float) -> None:
        await self._command.wait(handle, timeout)

    async def cancel(self, handle: Handle) -> None:
        await self._command.cancel(handle)

    async def aclose(self) -> None:
        await self._command.aclose()


def _nice(step: Step) -> Step:
    """The step as it is run. Raises `Rejected` for a program that is not there: nice itself would only fail."""
    level = parameters(NiceStep, step).level
    program, *arguments = step.run or ("",)
    if program.startswith("./"):
        program = str(Path(step.folder, program))
    if shutil.which(program, path=step.environment.get("PATH", os.environ.get("PATH"))) is None:
        raise Rejected(f"there is no program {program!r} that may be executed")
    return step.model_copy(update={"run": ("nice", "-n", str(level), program, *arguments), "parameters": {}})
