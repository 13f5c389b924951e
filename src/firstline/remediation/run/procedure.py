"""Runs a plan's commands, each once, whatever crashes: the attempt is written down before it, its end after."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from firstline.errors import FirstlineError, Rejected, Unavailable, Unknown
from firstline.executor import Chunk, Handle, Progress, State, Step
from firstline.incident import Incident
from firstline.ledger.facet import bind
from firstline.remediation.change.closing import has_run
from firstline.remediation.context import Context
from firstline.remediation.hold import gate
from firstline.remediation.note.output import excerpt, joined
from firstline.remediation.plan import Plan
from firstline.remediation.run import shelf
from firstline.remediation.run.finding import Outcome
from firstline.remediation.timeline import tell
from firstline.runbook import Command
from firstline.store import new_id
from firstline.store.database import insert
from firstline.store.table import REMEDIATION, RUN, RunRow, now

FIRST_LOOK = 0.02  # seconds, where the executor does not hear of the end by itself
LONGEST_LOOK = 1.0
FOUND = 16_384  # characters of a run's output that a finding keeps: head and tail
# For so long, and as long as its checks may take, what let a remediation go is relied on until its first step begins.
GOOD = timedelta(minutes=5)


class Overtaken(FirstlineError):
    """Nothing has begun, and what let it go no longer counts: all of it is looked at again."""


@dataclass(frozen=True)
class Ended:
    """A run that has ended, and its output as it is kept: masked, within the runbook's limit."""

    progress: Progress
    output: str
    handle: Handle | None


class Procedure:
    """The commands of one turn of a remediation."""

    def __init__(
        self, context: Context, remediation_id: str, turn: int, plan: Plan, looked_at: datetime | None = None
    ) -> None:
        """`looked_at`: when the turn began to look whether it may begin; None: it began after that."""
        self._looked_at = looked_at
        self._context = context
        self._remediation_id = remediation_id
        self._turn = turn
        self._plan = plan

    async def run(self, phase: str, number: int, command: Command) -> Outcome:
        """Run a command once, or find the run an earlier try began. Raises `Unknown` when its end can't be told,
        `Overtaken` where the first step may not begin any more."""
        try:
            step = self._step(f"{self._remediation_id}.{phase}.{number}", command, read_only=phase == "diagnose")
        except Rejected as error:  # it can't begin: what ran before it is rolled back
            return Outcome(phase=phase, name=command.name, target=command.target, ok=False, detail=str(error))
        row = self._row(step, phase, command)
        ended = await self._context.database.write(lambda connection: self._mark(connection, row))
        if ended is None:
            ended = await self._execute(step, command)
            await self._context.database.write(lambda connection: self._end(connection, step, ended))
        if ended.progress.state is State.UNKNOWN:
            why = ended.progress.detail
            raise Unknown(f"{command.name} on {command.target} was begun; how it ended can't be told: {why}")
        return _outcome(phase, command, ended)

    async def probe(self, phase: str, command: Command) -> Outcome:
        """Run a check's command, anew each time: it only reads. Exit status 0: it holds; 1 to 125: it does not."""
        step = self._step(f"{self._remediation_id}.{phase}.{new_id()}", command, read_only=True)
        row = self._row(step, phase, command)
        ended = await self._execute(step, command)

        def note(connection: sa.Connection) -> None:
            insert(connection, row)
            self._end(connection, step, ended)

        await self._context.database.write(note)
        return _outcome(phase, command, ended)

    async def _execute(self, step: Step, command: Command) -> Ended:
        """Start it, or find it begun, and follow it to its end."""
        handle: Handle | None = None
        try:
            handle = await self._context.executor(command.executor).start(step)
            return await self._watch(handle)
        except Rejected as error:  # it did not begin: a command that failed, so that what ran before it is rolled back
            return Ended(Progress(state=State.FAILED, detail=str(error)), "", handle)

    def _row(self, step: Step, phase: str, command: Command) -> RunRow:
        return RunRow(
            id=step.id,
            remediation_id=self._remediation_id,
            phase=phase,
            name=command.name,
            target=command.target,
            executor=command.executor,
            place=self._context.place,
        )

    def _step(self, run_id: str, command: Command, *, read_only: bool) -> Step:
        run, _ = shelf.program(self._context.shelf, self._plan.runbook.runbook_digest, command.run)
        return Step(
            id=run_id,
            name=command.name,
            target=command.target,
            run=run,
            environment=command.environment,
            timeout=command.timeout,
            output_limit=self._plan.runbook.limits.output,
            read_only=read_only,
        )

    async def _watch(self, handle: Handle) -> Ended:
        executor = self._context.executor(handle.executor)
        chunks: list[Chunk] = []
        offset, pause = 0, FIRST_LOOK
        while True:
            progress = await executor.watch(handle, offset)
            chunks += progress.output
            offset = progress.offset
            if progress.state.ended:
                return Ended(progress, self._kept(chunks, progress.dropped), handle)
            await executor.wait(handle, pause)
            pause = min(pause * 1.5, LONGEST_LOOK)

    def _kept(self, chunks: list[Chunk], dropped: int) -> str:
        output = excerpt(joined(chunks, dropped, self._context.mask), self._plan.runbook.limits.output)
        return output.replace("\x00", "\N{SYMBOL FOR NULL}")  # PostgreSQL keeps no NUL in text

    def _mark(self, connection: sa.Connection, row: RunRow) -> Ended | None:
        """Write the attempt down. Gives the end when an earlier try has seen it. Raises `Unavailable` when this turn no
        longer counts (its process was taken for dead, and woke), `Unknown` when the run's traces are elsewhere."""
        mine = sa.select(REMEDIATION).where(REMEDIATION.c.id == row.remediation_id, REMEDIATION.c.turn == self._turn)
        remediation = connection.execute(mine.with_for_update()).mappings().first()
        if remediation is None:
            raise Unavailable("another process has taken this remediation over")
        known = connection.execute(sa.select(RUN).where(RUN.c.id == row.id)).mappings().first()
        if known is None:
            if row.phase == "step" and not has_run(connection, row.remediation_id):
                self._is_let_go(connection, remediation)
            _may_begin(connection, remediation, row, self._until())
            insert(connection, row)
            return None
        if known["ended_at"] is None and known["place"] != row.place:
            raise Unknown(f"{row.name} on {row.target} was begun by a hub with another state folder, which is not here")
        if known["ended_at"] is None:
            return None
        progress = Progress(state=State(known["state"]), exit_status=known["exit_status"], detail=known["detail"])
        return Ended(progress, str(known["output"]), None)

    def _is_let_go(self, connection: sa.Connection, remediation: sa.RowMapping) -> None:
        """Whether it still is, where nothing of it has begun: its process may have slept since it was."""
        at, context = now(), self._context
        if self._looked_at is None or at - self._looked_at > self._good:
            raise Overtaken("it was let go too long ago")
        row, incident = dict(remediation), Incident.model_validate(remediation["incident"])
        holds = gate.admit(connection, row, self._plan, incident, context.guards, context.windows(), at)
        if holds:
            raise Overtaken("; ".join(held.why for held in holds))

    @property
    def _good(self) -> timedelta:
        looks = (*self._plan.runbook.before, *self._plan.runbook.healthy)
        return GOOD + timedelta(seconds=sum(check.within + check.hold + check.timeout for check in looks))

    def _until(self) -> datetime:
        """How long its targets stay its own."""
        return gate.expiry(self._plan, self._context.guards, now())

    def _end(self, connection: sa.Connection, step: Step, ended: Ended) -> None:
        progress, how = ended.progress, _detail(ended.progress)
        values = {
            "state": progress.state.value,
            "handle": ended.handle.model_dump(mode="json") if ended.handle else None,
            "exit_status": progress.exit_status,
            "output": ended.output,
            "detail": progress.detail,
            "ended_at": now(),
        }
        connection.execute(sa.update(RUN).where(RUN.c.id == step.id).values(**values))
        told = f"{step.name} on {step.target}: {progress.state}{f' ({how})' if how else ''}"
        tell(connection, self._remediation_id, "ran", told, rows=bind(connection, "run", step.id))


def _may_begin(connection: sa.Connection, remediation: sa.RowMapping, row: RunRow, until: datetime) -> None:
    """In the transaction that writes the attempt down: none begins after a kill switch was thrown, or on a target that
    somebody else has by now. Raises `Rejected`, `Unavailable`."""
    thrown = gate.switched(connection, dict(remediation))
    if thrown is not None:
        raise Rejected(f"stopped before {row.name} on {row.target}: {thrown.why}")
    changes = remediation["changes"] and row.phase in ("step", "rollback")
    if changes and not gate.renew(connection, row.remediation_id, until):
        raise Unknown(f"the lock on {row.target} was lost before {row.name}: another remediation may be at work on it")


def _outcome(phase: str, command: Command, ended: Ended) -> Outcome:
    progress = ended.progress
    ok = progress.state is State.SUCCEEDED
    return Outcome(
        phase=phase,
        name=command.name,
        target=command.target,
        ok=ok,
        answered=ok or (progress.state is State.FAILED and 1 <= (progress.exit_status or 0) <= 125),
        detail=_detail(progress),
        output=excerpt(ended.output, FOUND),
    )


def _detail(progress: Progress) -> str:
    if progress.state is State.SUCCEEDED:
        return ""
    if progress.detail:
        return progress.detail
    return f"exit status {progress.exit_status}" if progress.exit_status is not None else progress.state.value
