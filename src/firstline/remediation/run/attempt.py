"""Writes down that a command is about to begin, and how it ended: what is not written down was not begun, and what is
was, perhaps."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from firstline.declaration import Json
from firstline.errors import FirstlineError, Rejected, Unavailable, Unknown
from firstline.executor import Handle, Progress, State, Step
from firstline.incident import Incident
from firstline.ledger.facet import bind
from firstline.remediation.change.closing import has_run
from firstline.remediation.context import Context
from firstline.remediation.hold import gate
from firstline.remediation.plan import Plan
from firstline.remediation.run.log import NOTHING, Kept
from firstline.remediation.timeline import tell
from firstline.store.database import insert, update
from firstline.store.table import REMEDIATION, RUN, RunRow, now

# For so long, and as long as its checks may take, what let a remediation go is relied on until its first step begins.
GOOD = timedelta(minutes=5)
_SMALL = [column for column in REMEDIATION.c if column.key not in ("plan", "findings")]  # those two grow with targets


class Overtaken(FirstlineError):
    """Nothing has begun, and what let it go no longer counts: all of it is looked at again."""


@dataclass(frozen=True)
class Ended:
    """A run that has ended, its output as it is kept (masked, within the runbook's limit), what its full log is known
    by, and what it gave to later steps. Without a handle nothing was begun."""

    progress: Progress
    output: str
    handle: Handle | None
    log: Kept = NOTHING
    outputs: dict[str, Json] = field(default_factory=dict)


@dataclass(frozen=True)
class Attempt:
    """`known`: an earlier try wrote it down, at `begun_at`, so it may have begun; `ended`: and that try saw its end."""

    known: bool
    begun_at: datetime
    ended: Ended | None = None


class Attempts:
    """The attempts of one turn of a remediation. `looked_at`: when the turn began to look whether it may begin; None:
    it began after that."""

    def __init__(
        self, context: Context, remediation_id: str, turn: int, plan: Plan, looked_at: datetime | None
    ) -> None:
        self._context = context
        self._remediation_id = remediation_id
        self._turn = turn
        self._plan = plan
        self._looked_at = looked_at

    async def mark(self, row: RunRow) -> Attempt:
        """Write the attempt down, or find it. Raises `Unavailable` when this turn no longer counts (its process was
        taken for dead, and woke), `Unknown` when the run's traces are elsewhere, `Overtaken` when the first step may
        not begin any more, `Rejected` when it was stopped by people."""
        return await self._context.database.write(lambda connection: self._mark(connection, row))

    async def steps(self) -> frozenset[str]:
        """The ids of those that were begun, by an earlier turn too."""
        query = sa.select(RUN.c.id).where(RUN.c.remediation_id == self._remediation_id, RUN.c.phase == "step")
        return frozenset(await self._context.database.read(lambda connection: connection.execute(query).scalars()))

    async def end(self, step: Step, ended: Ended) -> None:
        await self._context.database.write(lambda connection: self._end(connection, step, ended))

    async def note(self, row: RunRow, step: Step, ended: Ended) -> None:
        """Both at once, for what only reads."""

        def note(connection: sa.Connection) -> None:
            insert(connection, row)
            self._end(connection, step, ended)

        await self._context.database.write(note)

    def _mark(self, connection: sa.Connection, row: RunRow) -> Attempt:
        mine = sa.select(*_SMALL).where(REMEDIATION.c.id == row.remediation_id, REMEDIATION.c.turn == self._turn)
        found = connection.execute(mine.with_for_update()).mappings().first()
        if found is None:
            raise Unavailable("another process has taken this remediation over")
        remediation = {**found, "plan": self._told}
        known = connection.execute(sa.select(RUN).where(RUN.c.id == row.id)).mappings().first()
        if known is not None:
            return _found(known, row)
        if row.phase == "step" and not has_run(connection, row.remediation_id):
            self._is_let_go(connection, remediation)
        _may_begin(connection, remediation, row, self._until())
        insert(connection, row)
        return Attempt(known=False, begun_at=row.begun_at)

    @cached_property
    def _told(self) -> dict[str, Any]:
        """The plan as its row has it."""
        return self._plan.model_dump(mode="json")

    def _is_let_go(self, connection: sa.Connection, row: dict[str, Any]) -> None:
        """Whether it still is, where nothing of it has begun: its process may have slept since it was."""
        at, context = now(), self._context
        if self._looked_at is None or at - self._looked_at > self._good:
            raise Overtaken("it was let go too long ago")
        incident = Incident.model_validate(row["incident"])
        holds = gate.admit(connection, row, self._plan, incident, context.guards, context.windows(), at)
        if holds:
            raise Overtaken("; ".join(held.why for held in holds))

    @property
    def _good(self) -> timedelta:
        looks = (*self._plan.runbook.before, *self._plan.runbook.healthy)
        return GOOD + timedelta(seconds=sum(check.within + check.hold + check.timeout for check in looks))

    def _until(self) -> datetime:
        """How long its targets stay its own. To the minute: a thousand locks are not written anew with each step."""
        return now().replace(second=0, microsecond=0) + timedelta(minutes=1) + self._span

    @cached_property
    def _span(self) -> timedelta:
        at = now()
        return gate.expiry(self._plan, self._context.guards, at) - at

    def _end(self, connection: sa.Connection, step: Step, ended: Ended) -> None:
        progress, how = ended.progress, detail(ended.progress)
        values = {
            "state": progress.state.value,
            "handle": ended.handle.model_dump(mode="json") if ended.handle else None,
            "exit_status": progress.exit_status,
            "output": ended.output,
            "outputs": ended.outputs or None,
            "log_size": ended.log.size,
            "log_digest": ended.log.digest,
            "detail": progress.detail,
            "surroundings": progress.surroundings,
            "ended_at": now(),
        }
        update(connection, RUN, {"id": step.id}, values)
        told = f"{step.name} on {step.target}: {progress.state}{f' ({how})' if how else ''}"
        rows = bind(connection, "run", step.id)
        tell(connection, self._remediation_id, "ran", told, facts=ended.log.facts, rows=rows)


def detail(progress: Progress) -> str:
    """Why it did not succeed, in words; empty where it did."""
    if progress.state is State.SUCCEEDED:
        return ""
    if progress.detail:
        return progress.detail
    return f"exit status {progress.exit_status}" if progress.exit_status is not None else progress.state.value


def explained(progress: Progress, complaint: str) -> Progress:
    """With what the program itself said last, where an exit status is all that is known: a person reads that first."""
    bare = f"exit status {progress.exit_status}"
    if progress.state is not State.FAILED or detail(progress) != bare or not complaint:
        return progress
    return progress.model_copy(update={"detail": f"{bare}: {complaint}"})


def _found(known: sa.RowMapping, row: RunRow) -> Attempt:
    if known["ended_at"] is None:
        if known["place"] != row.place:
            raise Unknown(f"{row.name} on {row.target} was begun by a hub with another state folder, which is not here")
        return Attempt(known=True, begun_at=known["begun_at"])
    progress = Progress(state=State(known["state"]), exit_status=known["exit_status"], detail=known["detail"])
    handle = Handle.model_validate(known["handle"]) if known["handle"] else None
    ended = Ended(progress, str(known["output"]), handle, outputs=dict(known["outputs"] or {}))
    return Attempt(known=True, begun_at=known["begun_at"], ended=ended)


def _may_begin(connection: sa.Connection, remediation: dict[str, Any], row: RunRow, until: datetime) -> None:
    """In the transaction that writes the attempt down: none begins after a kill switch was thrown, or on a target that
    somebody else has by now. Raises `Rejected`, `Unknown`."""
    thrown = gate.switched(connection, remediation)
    if thrown is not None:
        raise Rejected(f"stopped before {row.name} on {row.target}: {thrown.why}")
    changes = remediation["changes"] and row.phase in ("step", "rollback")
    if changes and not gate.renew(connection, row.remediation_id, until):
        raise Unknown(f"the lock on {row.target} was lost before {row.name}: another remediation may be at work on it")
