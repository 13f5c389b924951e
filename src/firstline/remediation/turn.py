"""One go at a remediation: its row, and the ways in which a stage can leave it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from firstline.governor import connection as connections
from firstline.guard import Hold
from firstline.incident import Incident, Reference
from firstline.remediation.begin import GRACE
from firstline.remediation.context import Context
from firstline.remediation.hold import gate
from firstline.remediation.note.start import HELD
from firstline.remediation.plan import Plan
from firstline.remediation.report import report
from firstline.remediation.run.finding import Findings, Outcome
from firstline.remediation.run.procedure import Procedure
from firstline.remediation.timeline import tell
from firstline.store.database import update
from firstline.store.table import REMEDIATION, now

Row = dict[str, Any]
Values = dict[str, Any]

HELD_LOOK = 30.0  # seconds until what holds a remediation without an end in sight is looked at again
BEFORE = ("ready", "opened")  # stages in which nothing of it has begun: while it waits, it has no target locked


@dataclass
class Turn:
    """`first`: nothing of this turn was tried before. `goes`: it has not been let go of yet. `looked_at`: when this
    turn began to look whether it may begin."""

    context: Context
    row: Row
    first: bool
    goes: bool = True
    looked_at: datetime | None = None

    @property
    def id(self) -> str:
        return str(self.row["id"])

    @cached_property
    def plan(self) -> Plan:
        return Plan.model_validate(self.row["plan"])

    @cached_property
    def incident(self) -> Incident:
        return Incident.model_validate(self.row["incident"])

    @property
    def change(self) -> Reference | None:
        return Reference.model_validate(self.row["change"]) if self.row["change"] else None

    @property
    def findings(self) -> Findings:
        return Findings.model_validate(self.row["findings"] or {})

    @property
    def tried(self) -> bool:
        """Whether an earlier attempt at this stage may have reached a vendor."""
        return not self.first or self.row["turn"] > 1

    def procedure(self) -> Procedure:
        return Procedure(self.context, self.id, self.row["turn"], self.plan, self.incident, self.looked_at)

    async def move(self, values: Values, act: str = "", told: str = "") -> bool:
        """Change the row and tell it. False, and the turn is over, when another has taken it."""
        values = {"attempts": 0, **values}

        def change(connection: sa.Connection) -> bool:
            moved = self.update(connection, values)
            if moved and told:
                tell(connection, self.id, act, told)
            return moved

        self.goes = await self.context.database.write(change)
        if self.goes:
            self.row = {**self.row, **values}
        return self.goes

    async def wait(self, why: str, asked: float | None = None, holds: Sequence[Hold] = ()) -> None:
        """Let go of it, due again later: at the wait the vendor asked for, else with back-off. Told once,
        however often it is tried in a row. `holds`: the guard that says so, where one does."""
        seconds = connections.back_off(self.row["attempts"], asked)
        due = now() + timedelta(seconds=seconds)
        values = {"owner": None, "wake_at": due, "attempts": self.row["attempts"] + 1}
        if self.row["ended_at"] is None:  # else how it ended stands: only its change is followed still
            values["reason"] = why[:2000]
        if holds:
            values |= self.held(holds)
        told = f"Tried again in {seconds:.0f} s: {why}" if self.row["attempts"] == 0 else ""
        await self._let_go(values, "waits", told, releases=self.row["stage"] in BEFORE)

    async def hold(self, holds: Sequence[Hold], look: float = HELD_LOOK) -> None:
        """Let go of it, of which nothing has begun, until what holds it is over; looked at again after `look` seconds
        where nobody knows when. Told when the reasons are others than before."""
        known = [(one["guard"], one["why"]) for one in self.row["holds"] or []]
        fresh = [(one.guard, one.why) for one in holds] != known
        values = {
            "owner": None,
            "wake_at": _due(holds, look),
            "reason": "; ".join(one.why for one in holds)[:2000],
            "attempts": 0,
            **self.held(holds),
        }
        told = "; ".join(f"{one.guard}: {one.why}{_until(one)}" for one in holds) if fresh else ""
        await self._let_go(values, "held", f"Held by {told}" if told else "", releases=True)

    def held(self, holds: Sequence[Hold]) -> Values:
        """What its row says while it is held. Its incident is told once it has been for a while."""
        values: Values = {"holds": [one.model_dump(mode="json") for one in holds]}
        return values if self.row["holds"] else values | {"tell_at": now() + HELD}

    @property
    def unheld(self) -> Values:
        """What its row says once nothing holds it any more."""
        told = {"tell_at": now() + GRACE} if self.row["holds"] else {}
        return {"holds": None, "reason": "", **told}

    async def _let_go(self, values: Values, act: str, told: str, *, releases: bool) -> None:
        def change(connection: sa.Connection) -> None:
            if not self.update(connection, values):
                return
            if releases and self.row["changes"]:
                gate.release(connection, self.id, now())
            if told:
                tell(connection, self.id, act, told)

        await self.context.database.write(change)
        self.goes = False

    async def end(self, outcome: str, findings: Findings, reason: str) -> None:
        """Put down how it went, and what is to be told where, in one transaction."""
        told = findings.model_dump(mode="json")
        values = {"stage": "acted", "outcome": outcome, "reason": reason[:2000], "findings": told}

        def end(connection: sa.Connection) -> None:
            if self.update(connection, values):
                tell(connection, self.id, outcome, reason or _summary(findings.outcomes))
                report(connection, self.context, self.id, self.row["turn"])

        await self.context.database.write(end)
        self.context.writes.set()
        self.goes = False

    async def keep(self, findings: Findings) -> None:
        """Make what was found durable."""
        values = {"findings": findings.model_dump(mode="json")}
        await self.context.database.write(lambda connection: self.update(connection, values))

    def update(self, connection: sa.Connection, values: Values) -> bool:
        """Change the row if this turn and stage still count: a late part of an earlier try changes nothing."""
        mine = {name: self.row[name] for name in ("id", "turn", "stage")}
        return update(connection, REMEDIATION, mine, values) == 1


def _due(holds: Sequence[Hold], look: float) -> datetime:
    """When to look again: no guard is sure to be over before its time, and any may be lifted by a person."""
    soonest = now() + timedelta(seconds=look)
    ends = [one.until for one in holds if one.until is not None]
    return max(min(ends), now()) if len(ends) == len(holds) and min(ends) < soonest else soonest


def _until(hold: Hold) -> str:
    return f" (until {hold.until:%Y-%m-%d %H:%M:%S} UTC)" if hold.until else ""


def _summary(outcomes: list[Outcome]) -> str:
    return "; ".join(f"{o.name}: {'ok' if o.ok else 'failed'}{f' {o.detail}' if o.detail else ''}" for o in outcomes)
