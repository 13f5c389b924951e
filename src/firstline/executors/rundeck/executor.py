"""A step as an execution of a job on Rundeck."""

import asyncio
import time
from typing import Any, ClassVar

from pydantic import BaseModel

from firstline.errors import FirstlineError, Rejected, Unavailable, Unknown
from firstline.executor import Executor, Handle, Progress, State, Step
from firstline.executors.polled.foreign import read
from firstline.executors.polled.memory import Memory
from firstline.executors.polled.record import Record
from firstline.executors.polled.wire import Lost
from firstline.executors.rundeck import health
from firstline.executors.rundeck.api import WHOSE, Aborted, Api, Execution, Gone, refusal_of
from firstline.executors.rundeck.request import body_of, job_of, secure_options
from firstline.executors.rundeck.run import Address, Run, Sight
from firstline.executors.rundeck.search import Search
from firstline.executors.rundeck.settings import RundeckParameters, RundeckSettings
from firstline.finding import Finding
from firstline.masking import Masker

LONGEST_PAUSE = 2.0  # seconds between two looks for what was asked for


class RundeckExecutor(Executor[RundeckSettings]):
    """Runs each step as an execution of a Rundeck job, on its own nodes or on the step's targets.

    The run's key goes with each start as an option, which Rundeck keeps with the execution whether or not the job
    declares it (`generateJobArgline`: options that the job does not have are preserved). When the answer is lost, the
    execution is looked for by it; one that is not found may begin later, so it is `Unknown`, and never asked for twice.

    A handle tells the execution's number: whoever has it can watch and cancel, also from another machine.
    """

    name: ClassVar[str] = "rundeck"
    settings_model: ClassVar[type[BaseModel]] = RundeckSettings
    step_model: ClassVar[type[BaseModel]] = RundeckParameters
    many: ClassVar[bool] = True

    def __init__(self, settings: RundeckSettings) -> None:
        super().__init__(settings)
        self._api = Api(settings)
        self._search = Search(self._api, settings.key_option)
        self._runs: Memory[Run] = Memory()

    async def check(self) -> list[Finding]:
        return await health.check(self._api, self.settings)

    async def start(self, step: Step) -> Handle:
        self.refuse_dry_run(step)
        job = job_of(step)
        body = body_of(step, job, self.settings)
        record = self._record(step.id)
        async with record.locked():
            number = record.read("run").get("execution") or await self._found_or_begun(step, job, body, record)
        return Handle(executor=self.name, step=step.id, where=str(Address.of(number, step)))

    async def watch(self, handle: Handle, offset: int = 0) -> Progress:
        address = Address.parse(handle.where)
        if address is None:
            return Progress(state=State.UNKNOWN, offset=offset, detail=f"{handle.where!r} is no execution of Rundeck's")
        run, record = self._run(handle.where, address), self._record(handle.step)
        try:
            sight = await run.sight()
            if sight.state is State.RUNNING and sight.now - sight.started >= address.timeout:
                sight = await self._time_out(run, sight, record, address)
        except Gone as error:
            detail = f"{error}: it was deleted there, or this is another Rundeck; how it ended can't be told"
            return Progress(state=State.UNKNOWN, offset=offset, detail=detail)
        return await run.look(offset, sight, record.read("stopped"))

    async def cancel(self, handle: Handle) -> None:
        address = Address.parse(handle.where)
        if address is None:
            raise Unknown(f"{handle.where!r} is no execution of Rundeck's")
        run = self._run(handle.where, address)
        try:
            sight = await run.sight()
            if not sight.state.ended:
                self._note_stop(handle.step, State.CANCELLED, "cancelled")
                await self._stop(run, sight)
        except Gone as error:
            raise Unknown(f"{error}: whether it runs can't be told") from None

    async def aclose(self) -> None:
        await self._api.aclose()

    def _record(self, step: str) -> Record:
        return Record(self.settings.directory.absolute() / step)

    def _run(self, where: str, address: Address) -> Run:
        return self._runs.run(where, lambda: Run(self._api, address))

    async def _found_or_begun(self, step: Step, job: RundeckParameters, body: dict[str, Any], record: Record) -> int:
        begun = record.read("begun")
        try:
            found = await self._search.find(job.job, step.id, begun.get("at"))
        except Rejected as error:
            if begun:  # what can't be looked for may run all the same
                raise Unknown(_lost(step, job, self.settings, str(error))) from None
            raise
        if found is None and begun:
            raise Unknown(_lost(step, job, self.settings, "an earlier start was not answered"))
        if found is None:
            await self._see_that_secrets_stay_secret(step, job)
            record.write("begun", {"at": time.time(), "job": job.job})
            found = await self._begin(step, job, body, record)
        record.write("run", {"execution": found})
        return found

    async def _see_that_secrets_stay_secret(self, step: Step, job: RundeckParameters) -> None:
        """Rundeck stores and shows what is given for an option that is not declared as secure."""
        if step.secrets:
            open_ones = sorted(step.secrets.keys() - secure_options(await self._api.definition(job.job)))
            if open_ones:
                raise Rejected(
                    f"the job {job.job} does not declare {', '.join(open_ones)} as secure: Rundeck would store and "
                    "show the secret; declare the option with `secure: true`"
                )

    async def _begin(self, step: Step, job: RundeckParameters, body: dict[str, Any], record: Record) -> int:
        try:
            return await self._run_job(step, job.job, body)
        except Lost as lost:
            found = await self._settle(step, job)
            if found is None:
                raise Unknown(_lost(step, job, self.settings, str(lost))) from None
            return found
        except FirstlineError:
            record.remove("begun")
            raise

    async def _run_job(self, step: Step, job: str, body: dict[str, Any]) -> int:
        """Raises `Lost` when Rundeck may have begun it; anything else when it surely has not."""
        path = f"/job/{job}/run"
        answer = await self._api.send("POST", path, json=body)
        if refusal := refusal_of(answer):
            mask = Masker(secret.get_secret_value() for secret in step.secrets.values())
            refusal = refusal._replace(message=mask(refusal.message))
            if answer.status >= 500 and not refusal.code:
                raise Lost(f"POST {path} answered {answer.status}, not by Rundeck: {self._api.mask(refusal.message)}")
            raise self._api.error(refusal, f"POST {path}", answer)
        try:
            return read(Execution, answer.json(), WHOSE).id
        except (ValueError, Unavailable) as error:
            raise Lost(f"POST {path} answered {answer.status} without an execution: {error}") from None

    async def _settle(self, step: Step, job: RundeckParameters) -> int | None:
        """Look for it until it should be there."""
        begun, pause = time.time(), 0.05
        deadline = time.monotonic() + self.settings.settle
        while True:
            try:
                if found := await self._search.find(job.job, step.id, begun):
                    return found
            except Unavailable:
                pass  # a server that comes up again
            except Rejected as error:  # of the look for it, not of the start
                raise Unknown(_lost(step, job, self.settings, str(error))) from None
            if time.monotonic() + pause > deadline:
                return None
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _time_out(self, run: Run, sight: Sight, record: Record, address: Address) -> Sight:
        self._note_stop(record.path.name, State.TIMED_OUT, f"its time was up after {address.timeout:g} seconds")
        await self._abort(sight)
        return await run.sight()

    def _note_stop(self, step: str, state: State, detail: str) -> None:
        record = self._record(step)
        if not record.read("stopped"):
            record.write("stopped", {"state": state, "detail": detail})

    async def _stop(self, run: Run, sight: Sight) -> None:
        deadline, pause = time.monotonic() + self.settings.stop_patience, 0.02
        while not sight.state.ended:
            await self._abort(sight)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
            sight = await run.sight()
            if time.monotonic() > deadline and not sight.state.ended:
                raise Unavailable(f"execution {sight.last.id} was aborted and goes on")

    async def _abort(self, sight: Sight) -> None:
        """Raises `Unavailable` when Rundeck does not do it, `Gone`."""
        path = f"/execution/{sight.last.id}/abort"
        try:
            answer = await self._api.send("POST", path)
            if refusal := refusal_of(answer):
                raise self._api.error(refusal, f"POST {path}", answer)
            abort = read(Aborted, answer.json(), WHOSE).abort
        except (Gone, Unavailable):
            raise
        except (FirstlineError, ValueError) as error:
            raise Unavailable(f"execution {sight.last.id} can't be aborted: {error}") from None
        if abort.status == "failed" and "not running" not in abort.reason:
            raise Unavailable(f"execution {sight.last.id} can't be aborted: {abort.reason}")


def _lost(step: Step, job: RundeckParameters, settings: RundeckSettings, why: str) -> str:
    return (
        f"whether {step.name or 'the step'} has begun can't be told: {why}. Look in Rundeck among the executions of "
        f"job {job.job} for the option {settings.key_option} {step.id}; none was found by it yet"
    )
