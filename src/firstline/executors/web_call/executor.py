"""A step as calls of another system's HTTP API."""

import asyncio
import time
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel

from firstline.errors import FirstlineError, Rejected, Unavailable, Unknown
from firstline.executor import Bounds, Executor, Handle, Progress, State, Step, parameters
from firstline.executors.polled.memory import Memory
from firstline.executors.polled.record import Record
from firstline.executors.web_call.begin import LONGEST_PAUSE, Beginning
from firstline.executors.web_call.declaration import Call, HttpParameters
from firstline.executors.web_call.request import see_path
from firstline.executors.web_call.run import Run, Sight
from firstline.executors.web_call.settings import HttpSettings
from firstline.executors.web_call.system import Gone, System
from firstline.finding import Finding


class HttpExecutor(Executor[HttpSettings]):
    """Runs each step as one call, or as a run that one call begins and others follow.

    The step's id goes with what begins it, as `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header). When no
    answer comes, the run is looked for by the declared `find`, or the same is sent again where the runbook says that
    the system keeps to the key (or the method is safe); else it is `Unknown`.

    A single call is made within `start`, and its answer is kept in the run's directory.
    """

    name: ClassVar[str] = "http"
    settings_model: ClassVar[type[BaseModel]] = HttpSettings
    step_model: ClassVar[type[BaseModel]] = HttpParameters

    def __init__(self, settings: HttpSettings) -> None:
        super().__init__(settings)
        self._system = System(settings)
        self._runs: Memory[Run] = Memory()

    async def check(self) -> list[Finding]:
        subject, asked = self.settings.url, Call(path=self.settings.check_path)
        try:
            answer = await self._system.ask(asked, {})
        except Gone:
            return [Finding(ok=True, subject=subject, message=f"it answers; nothing is at {asked.path}")]
        except FirstlineError as error:
            mend = "are url and credentials right? `check_path` is to name what answers them with a success"
            return [Finding(ok=False, subject=subject, message=str(error), mend=mend)]
        return [Finding(ok=True, subject=subject, message=f"GET {asked.path} answers {answer.status}")]

    async def start(self, step: Step) -> Handle:
        self.refuse_dry_run(step)
        declared = _declared(step)
        record = Record(self.settings.directory.absolute() / step.id)
        async with record.locked():
            if not (record.read("run") or record.read("ended")):
                await Beginning(self._system, record, step, declared).once()
        return Handle(executor=self.name, step=step.id, where=str(record.path))

    async def watch(self, handle: Handle, offset: int = 0) -> Progress:
        run = self._run(handle.where)
        if run is None:
            return Progress(state=State.UNKNOWN, offset=offset, detail=f"there is no record of the run: {handle.where}")
        ended = run.record.read("ended")
        if ended:
            return await run.progress(offset, Sight(State(ended["state"])), ended)
        if run.declared.call:
            return Progress(state=State.UNKNOWN, offset=offset, detail="the call's answer was not recorded")
        sight = await run.sight()
        if sight.state is State.RUNNING and time.time() - run.begun_at >= run.timeout:
            sight = await self._time_out(run)
        if sight.state.ended:
            ended = await run.end_of(sight)
            progress = await run.progress(offset, sight, ended)  # its log is read before the end is told
            run.record.write("ended", ended)
            return progress
        return await run.progress(offset, sight, {})

    async def cancel(self, handle: Handle) -> None:
        run = self._run(handle.where)
        if run is None:
            raise Unknown(f"there is no record of the run: {handle.where}")
        if run.record.read("ended") or run.declared.call or (await run.sight()).state.ended:
            return
        if not run.declared.cancel:
            raise Unavailable(f"run {handle.step} can't be stopped: no `cancel` is declared")
        if not (await run.stop(State.CANCELLED, "cancelled")).state.ended:
            await self._until_ended(run)

    async def aclose(self) -> None:
        await self._system.aclose()

    def _run(self, where: str) -> Run | None:
        record = Record(Path(where))
        return self._runs.run(where, lambda: Run(self._system, record)) if record.read("begun") else None

    async def _time_out(self, run: Run) -> Sight:
        words = f"its time was up after {run.timeout:g} seconds"
        sight = await run.stop(State.TIMED_OUT, words)
        if not run.declared.cancel and not sight.state.ended:
            return Sight(State.UNKNOWN, f"{words}; no `cancel` is declared, so it goes on at {self.settings.url}")
        return sight

    async def _until_ended(self, run: Run) -> None:
        deadline, pause = time.monotonic() + self.settings.stop_patience, 0.02
        while not (await run.sight()).state.ended:
            if time.monotonic() > deadline:
                raise Unavailable(f"run {run.record.path.name} was asked to stop and goes on")
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)


def _declared(step: Step) -> HttpParameters:
    """Raises `Rejected` for what a call has no use for."""
    declared, name = parameters(HttpParameters, step), step.name or "the step"
    unusable = {
        "run": step.run,
        "targets": step.targets,
        "environment": step.environment,
        "directory": step.directory,
        "bounds": step.bounds != Bounds(),
        "sandbox": step.sandbox is not None,
    }
    for call in declared.calls().values():
        see_path(call)
    if named := [each for each, given in unusable.items() if given]:
        raise Rejected(f"{name}: a call has no {', '.join(named)}")
    if idle := sorted(step.secrets.keys() - declared.secrets()):
        raise Rejected(f"{name}: no call uses the secret {', '.join(idle)}; it is written {{secret:{idle[0]}}}")
    if missing := sorted(declared.secrets() - step.secrets.keys()):
        raise Rejected(f"{name}: the secret {', '.join(missing)} is used, and not given")
    return declared
