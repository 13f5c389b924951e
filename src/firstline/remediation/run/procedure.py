"""Runs a plan's commands, each once, whatever crashes: the attempt is written down before it, its end after."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import structlog

from firstline.declaration import Json
from firstline.errors import FirstlineError, Rejected
from firstline.executor import Executor, Handle, Progress, State, Step
from firstline.incident import Incident
from firstline.masking import StreamMasker
from firstline.remediation.context import Context
from firstline.remediation.hold.switch import is_stopped
from firstline.remediation.note.output import excerpt
from firstline.remediation.plan import Plan
from firstline.remediation.run import shelf
from firstline.remediation.run.attempt import Attempts, Ended, detail, explained
from firstline.remediation.run.finding import EndUnknown, Findings, Outcome, never
from firstline.remediation.run.log import LogWriter
from firstline.remediation.run.outputs import outputs_of
from firstline.remediation.run.patience import OutOfReach, patiently
from firstline.remediation.run.record import Printed, Record, follow
from firstline.remediation.run.step import step_of
from firstline.runbook import Command
from firstline.runbook.late import completed
from firstline.runbook.plan import Program
from firstline.store import new_id
from firstline.store.table import RunRow

log = structlog.get_logger()

FOUND = 16_384  # characters of a run's output that a finding keeps: head and tail
WHERE = 300  # characters of a handle's address that people are shown
REACH = 60.0  # seconds that one of several targets may be out of reach before the others go on without it
STOP_LOOK = 1.0  # seconds between two looks whether what runs is to be ended

Values = Mapping[str, Json]


class Procedure:
    """The commands of one turn of a remediation."""

    def __init__(
        self,
        context: Context,
        remediation_id: str,
        turn: int,
        plan: Plan,
        incident: Incident,
        looked_at: datetime | None = None,
    ) -> None:
        """`looked_at`: when the turn began to look whether it may begin; None: it began after that."""
        self.context = context
        self.incident = incident
        self._remediation_id = remediation_id
        self._plan = plan
        self._many = len(plan.runbook.targets) > 1
        self._joint = {step.target: step.targets for step in plan.runbook.steps if step.targets}
        self._attempts = Attempts(context, remediation_id, turn, plan, looked_at)

    def values(self, findings: Findings, program: Program) -> Values:
        """What its late texts may name: the inputs, and what earlier steps gave on its target or to all of its go."""
        found: dict[str, Json] = {f"inputs.{name}": value for name, value in self._plan.runbook.inputs.items()}
        for outcome in findings.outcomes:
            where = outcome.target
            if outcome.outputs and (where == program.target or program.target in self._joint.get(where, ())):
                found |= outcome.outputs
        return found

    async def begun(self) -> frozenset[tuple[int, int]]:
        """Number and attempt of each step that was begun, by an earlier turn too."""
        tails = (each.split(".")[2:] for each in await self._attempts.steps())
        return frozenset((int(number), int(*attempt)) for number, *attempt in tails)

    async def run(self, phase: str, number: int, command: Command, values: Values, attempt: int = 0) -> Outcome:
        """Run a command once, or find the run an earlier try began. `values` complete its late texts; `attempt`: how
        often it was tried before. A target that is out of reach: where it is the only one all of it waits
        (`Unavailable`), else it has failed after `REACH`. Raises `EndUnknown` when its end can't be told, `Overtaken`
        where the first step may not begin any more."""
        run_id = f"{self._remediation_id}.{phase}.{number}" + (f".{attempt}" if attempt else "")
        try:
            whole = completed(command, self._plan.runbook.types, values)
            step = self._step(run_id, whole, read_only=phase == "diagnose")
        except Rejected as error:  # it can't begin: what ran before it is rolled back
            return never(phase, number, command.name, command.target, str(error))
        return await self._once(phase, number, step, whole)

    async def probe(self, phase: str, command: Command, values: Values) -> Outcome:
        """Run a check's command, anew each time: it only reads. Exit status 0: it holds; 1 to 125: it does not."""
        try:
            whole = completed(command, self._plan.runbook.types, values)
            step = self._step(f"{self._remediation_id}.{phase}.{new_id()}", whole, read_only=True)
        except Rejected as error:
            why = str(error)
            return Outcome(phase=phase, name=command.name, target=command.target, ok=False, answered=False, detail=why)
        row = self._row(step, phase, command)
        ended = await self._execute(step, whole, known=False)
        await self._attempts.note(row, step, ended)
        await self._forget(ended, command)
        return _outcome(phase, None, command, ended)

    async def _once(self, phase: str, number: int, step: Step, command: Command) -> Outcome:
        found = await self._attempts.mark(self._row(step, phase, command))
        ended = found.ended
        if ended is None:
            ended = await self._execute(step, command, known=found.known)
            await self._attempts.end(step, ended)
            await self._forget(ended, command)
        if ended.progress.state is State.CANCELLED and (why := await self._is_stopped()):
            raise Rejected(f"{command.name} on {command.target} was ended: {why}")
        outcome = _outcome(phase, number, command, ended)
        if outcome.state is State.UNKNOWN:
            where = ended.handle.where[:WHERE] if ended.handle else "nowhere that is known"
            known = f"begun at {found.begun_at:%Y-%m-%d %H:%M:%S} UTC by {command.executor}, to be found at {where}"
            raise EndUnknown(outcome.model_copy(update={"detail": f"{known}: {outcome.detail}"}), outcome.detail)
        return outcome

    async def _execute(self, step: Step, command: Command, *, known: bool) -> Ended:
        """Start it, or find it begun, and follow it to its end. `known`: an earlier try may have begun it: then nobody
        can say that it did not."""
        patience = REACH if self._many else None
        try:
            handle = await patiently(lambda: self._begin(step, command), patience)
        except (Rejected, OutOfReach) as error:
            begun = known or (isinstance(error, OutOfReach) and error.perhaps)
            state = State.UNKNOWN if begun else State.FAILED
            return Ended(Progress(state=state, detail=str(error)), "", None)
        try:
            return await patiently(lambda: self._watch(handle, command), _outlasting(step, patience))
        except (Rejected, OutOfReach) as error:  # whoever is asked sees what was seen of it
            printed = await asyncio.to_thread(self._record(handle).close)
            return Ended(Progress(state=State.UNKNOWN, detail=str(error)), printed.excerpt, handle, printed.log)

    async def _begin(self, step: Step, command: Command) -> Handle:
        """What it may have of secrets is read at the last moment, also for a run that is found again: its output has to
        be masked."""
        executor, secrets = self.context.executor(command.executor), self.context.secrets
        for name in command.secrets.values():
            secrets.check(self._plan.pack, command.executor, name)
        if command.secrets:
            found = await secrets.resolve_all(set(command.secrets.values()))
            given = {variable: found[name] for variable, name in command.secrets.items()}
            step = step.model_copy(update={"secrets": given})
        return await executor.start(step)

    async def _watch(self, handle: Handle, command: Command) -> Ended:
        executor, mask = self.context.executor(command.executor), self.context.mask
        progress, printed = await self._followed(executor, handle)
        progress = explained(progress, printed.complaint)
        ended = Ended(progress, printed.excerpt, handle, printed.log)
        if not command.outputs or progress.state is not State.SUCCEEDED:
            return ended
        try:
            return replace(ended, outputs=await outputs_of(executor, handle, command, progress, mask))
        except Rejected as error:  # a step that did not give what it declares has failed
            return replace(ended, progress=progress.model_copy(update={"state": State.FAILED, "detail": str(error)}))

    async def _followed(self, executor: Executor[Any], handle: Handle) -> tuple[Progress, Printed]:
        """Follow it to its end; end it when people stop this remediation."""
        following = asyncio.ensure_future(follow(executor, handle, self._record(handle)))
        try:
            while not (await asyncio.wait({following}, timeout=STOP_LOOK))[0]:
                if await self._is_stopped():
                    await _stop(executor, handle)
            return await following
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)

    async def _is_stopped(self) -> str:
        return await self.context.database.read(lambda connection: is_stopped(connection, self._remediation_id))

    def _record(self, handle: Handle) -> Record:
        logs, mask = self.context.logs, self.context.mask
        written = LogWriter(logs.path(self._remediation_id, handle.step), logs.limit)
        return Record(written, lambda: StreamMasker(mask), self._plan.runbook.limits.output)

    async def _forget(self, ended: Ended, command: Command) -> None:
        """Raw output may hold secrets, and its masked log is kept. What can't be removed now goes when it is old."""
        kept = ended.log.digest or not ended.output  # else there was no room for the log
        if ended.handle is None or ended.progress.state is State.UNKNOWN or not kept:
            return
        try:
            await self.context.executor(command.executor).forget(ended.handle)
        except (FirstlineError, OSError) as error:
            log.warning("run.not_forgotten", run=ended.handle.step, error=str(error))

    def _row(self, step: Step, phase: str, command: Command) -> RunRow:
        return RunRow(
            id=step.id,
            remediation_id=self._remediation_id,
            phase=phase,
            name=command.name,
            target=command.target,
            executor=command.executor,
            place=self.context.place,
        )

    def _step(self, run_id: str, command: Command, *, read_only: bool) -> Step:
        folder = shelf.folder(self.context.shelf, self._plan.runbook.runbook_digest)
        step = step_of(command, folder, run_id, self.context.logs.limit)
        return step.model_copy(update={"read_only": read_only})


async def _stop(executor: Executor[Any], handle: Handle) -> None:
    """What can't be ended now is tried again at the next look; how it stands, `watch` tells."""
    try:
        await executor.cancel(handle)
    except FirstlineError as error:
        log.warning("run.not_stopped", run=handle.step, error=str(error))


def _outlasting(step: Step, patience: float | None) -> float | None:
    """What has begun may end by itself while it is out of reach."""
    return None if patience is None else patience + step.timeout


def _outcome(phase: str, number: int | None, command: Command, ended: Ended) -> Outcome:
    progress = ended.progress
    ok = progress.state is State.SUCCEEDED
    return Outcome(
        phase=phase,
        name=command.name,
        target=command.target,
        ok=ok,
        answered=ok or (progress.state is State.FAILED and 1 <= (progress.exit_status or 0) <= 125),
        detail=detail(progress),
        output=excerpt(ended.output, FOUND),
        number=number,
        begun=ended.handle is not None or progress.state is State.UNKNOWN,
        state=progress.state,
        outputs=ended.outputs,
    )
