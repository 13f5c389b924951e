"""What must have been so when a step began. It knows it from what the machine did, from the vendor and from the
executor, not from what the hub thinks of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from tests.integration.machine.bench import READS
from tests.integration.machine.desk import DESK
from tests.integration.machine.life import GOING
from tests.integration.machine.pack import AUTHOR

from firstline.executor import Step
from firstline.guard import Window
from firstline.remediation.approval import Standing
from firstline.remediation.plan import Plan
from firstline.settings import OWN_REGISTER
from firstline.store.table import APPROVAL, CHANGE, REMEDIATION, RUN, STANDARD, VOTE

if TYPE_CHECKING:
    from tests.integration.machine.world import World

REQUESTER = "rex"
EXPIRES = timedelta(hours=24)
FRESH = timedelta(seconds=30)  # after its begin, what nobody had to let go is not looked at again
LOCK = timedelta(seconds=600)  # a target is locked for longer than this
BARRED = {AUTHOR, f"d-{AUTHOR}", REQUESTER, f"d-{REQUESTER}"}


class Violated(AssertionError):
    """A step began that must not have."""


@dataclass(frozen=True)
class Approved:
    """Somebody's question was decided: enough of those who count let this plan of a remediation go."""

    remediation: str
    digest: str
    at: datetime
    names: frozenset[str]
    good: timedelta


class Oracle:
    def __init__(self, world: "World") -> None:
        self._world = world
        self.switches: set[str] = set()
        self.begun: dict[str, datetime] = {}  # runs that change something, and when they were written down
        self.violations: list[str] = []
        self._approved: list[Approved] = []
        self._overrides: set[tuple[str, str]] = set()
        self._planned: dict[str, str] = {}  # the edition that a plan was made from, by remediation and digest
        self._seen: set[str] = set()

    # What the machine did.

    def answered(self, row: dict[str, Any], standing: Standing) -> None:
        if standing.state != "approved" or row["state"] != "waiting":
            return
        votes = [one for one in self._rows(VOTE) if one["approval_id"] == row["id"] and one["verdict"] == "approved"]
        good = row["expires_at"] - row["asked_at"]
        names = frozenset(one["person"] for one in votes) - BARRED
        at = self._world.clock.now
        self._approved.append(Approved(row["remediation_id"], row["plan_digest"], at, names, good))

    def overridden(self, remediation: str, name: str, digest: str) -> None:
        if name not in ("gus", AUTHOR):
            self.violations.append(f"{name} may not govern, and has let {remediation} past its holds")
        self._overrides.add((remediation, digest))

    # What the hub did.

    def look(self) -> None:
        """After each transaction of a hub: the plans it made, and the runs that it wrote down as begun."""
        for row in self._rows(REMEDIATION):
            self._planned.setdefault(f"{row['id']} {row['plan_digest']}", self._world.edition)
        for run in self._rows(RUN):
            if run["id"] not in self._seen and run["phase"] in ("step", "rollback"):
                self._seen.add(run["id"])
                self._judge(run)
                self.begun[run["id"]] = self._world.clock.now

    def began(self, step: Step) -> None:
        """The executor is asked to begin a step; the same one again begins nothing."""
        if step.run[0] in READS:
            self.violations.append(f"{step.id}: a check is said to change something")
        if step.id not in self._seen:
            self.violations.append(f"{step.id} was begun before it was written down")
        remediation, phase, number, *_ = step.id.split(".")
        plan = Plan.model_validate(self._row(remediation)["plan"])
        commands = plan.runbook.steps if phase == "step" else plan.runbook.rollback
        if commands[int(number)].run != step.run:
            self.violations.append(f"{step.id} is not what the plan says")

    # Judging.

    def _judge(self, run: dict[str, Any]) -> None:
        row = self._row(run["remediation_id"])
        plan = Plan.model_validate(row["plan"])
        first = not any(one.startswith(f"{row['id']}.") for one in self.begun)
        rules = [self._switch(row, plan), self._lock(row, run)]
        if first:
            rules += [
                self._plan(row, plan),
                self._mode(plan),
                self._approval(row, plan),
                self._change(row, plan),
                self._windows(row, plan),
                self._drift(row, plan),
            ]
        self.violations += [f"{run['id']} ({plan.mapping}): {why}" for rule in rules for why in rule]

    def _plan(self, row: dict[str, Any], plan: Plan) -> Iterator[str]:
        if plan.digest != row["plan_digest"]:
            yield "its plan has another digest than it says"

    def _mode(self, plan: Plan) -> Iterator[str]:
        if plan.mode not in ("approve", "auto"):
            yield f"it began in mode {plan.mode}"

    def _switch(self, row: dict[str, Any], plan: Plan) -> Iterator[str]:
        mine = {
            "all",
            f"environment:{plan.environment}",
            f"service:{plan.service}",
            f"runbook:{row['runbook']}",
            f"connection:{DESK}",
        }
        for scope in sorted(mine & self.switches):
            yield f"it began while the kill switch {scope} was thrown"

    def _approval(self, row: dict[str, Any], plan: Plan) -> Iterator[str]:
        if not plan.question:
            return
        needed = plan.asks.count
        mine = [one for one in self._approved if (one.remediation, one.digest) == (row["id"], plan.digest)]
        if not mine:
            yield "it began without the approval it needed"
        elif len(mine[-1].names) < needed:
            yield f"it began with {len(mine[-1].names)} of {needed} approvals that count"
        elif mine[-1].at + mine[-1].good <= self._world.clock.now:
            yield f"it began with an approval of {mine[-1].at}, which has expired"

    def _change(self, row: dict[str, Any], plan: Plan) -> Iterator[str]:
        if plan.change_type == "none" or (row["change_late"] and self._world.rules.no_record == "late"):
            return
        if row["change"] is None:
            yield "it began without a change record"
            return
        runs_first = plan.change_type == "emergency" and self._world.rules.emergency == "first"
        if plan.change_type == "standard" and self._world.rules.require_pin and not self._pinned(row, plan):
            yield "its change is a standard one that nobody has pre-approved"
        if plan.change_register == OWN_REGISTER:
            yield from self._own(row, plan, runs_first=runs_first)
        elif not runs_first:
            yield from self._there(row, plan)

    def _there(self, row: dict[str, Any], plan: Plan) -> Iterator[str]:
        """As the vendor last told it: what its people do afterwards the hub can't know yet."""
        told = self._world.office.changes[row["change"]["id"]].answered
        if told is None or told.state != "implement":
            yield f"its change is {told.state if told else 'unseen'}, not in Implement"
            return
        if plan.change_type == "standard":
            return
        if told.approval.state != "approved":
            yield f"its change is {told.approval.state}"
        elif not set(told.approval.by) - BARRED:
            yield f"its change is approved by {told.approval.by}, who do not count"
        start, end = told.planned_start, told.planned_end
        if (start and start > self._world.clock.now) or (end and end <= self._world.clock.now):
            yield f"it began at {self._world.clock.now}, outside its change's window {start} to {end}"

    def _own(self, row: dict[str, Any], plan: Plan, *, runs_first: bool) -> Iterator[str]:
        (change,) = (one for one in self._rows(CHANGE) if f"CHG{one['number']:07}" == row["change"]["id"])
        if change["state"] != "implement":
            yield f"its change is {change['state']}, not in Implement"
        if plan.change_type == "standard" or runs_first:
            return
        if change["approval"] != "approved":
            yield f"its change is {change['approval']}"
        start, end = change["planned_start"], change["planned_end"]
        if not start <= self._world.clock.now < end:
            yield f"it began at {self._world.clock.now}, outside its change's window {start} to {end}"
        asked = [one for one in self._approved if (one.remediation, one.digest) == (row["id"], plan.digest)]
        if not asked or len(asked[-1].names) < plan.asks.count:
            yield "its change is approved by nobody who counts"

    def _windows(self, row: dict[str, Any], plan: Plan) -> Iterator[str]:
        if plan.change_type == "none" or self._is_overridden(row):
            return
        names = {*plan.runbook.targets, plan.service, plan.environment}
        for window in self._world.windows:
            if window.kind == "freeze" and _is_on(window, names, self._world.clock.now):
                yield f"it began in the freeze {window.name}"
        for name in names & self._world.bound:
            if not any(
                one.kind == "maintenance" and _is_on(one, {name}, self._world.clock.now) for one in self._world.windows
            ):
                yield f"it began outside the maintenance windows of {name}"

    def _lock(self, row: dict[str, Any], run: dict[str, Any]) -> Iterator[str]:
        if not row["changes"] or self._is_overridden(row):
            return
        for other in self._rows(RUN):
            at = self.begun.get(other["id"])
            if other["target"] != run["target"] or other["remediation_id"] == row["id"] or at is None:
                continue
            theirs = self._row(other["remediation_id"])
            if theirs["changes"] and theirs["ended_at"] is None and at + LOCK > self._world.clock.now:
                yield f"it began on {run['target']}, on which {theirs['id']} is at work"

    def _drift(self, row: dict[str, Any], plan: Plan) -> Iterator[str]:
        if not row["approved_by"] and self._world.clock.now - row["created_at"] < FRESH:
            return
        going = GOING.get()
        if going is None:
            return
        incident = row["incident"]["reference"]["id"]
        if incident in going.facts.resolved:
            yield f"it began though {incident} was over by then"
        if self._planned[f"{row['id']} {plan.digest}"] != going.facts.edition:
            yield f"it began with a plan from before the edit: {going.facts.edition}"

    def _pinned(self, row: dict[str, Any], plan: Plan) -> bool:
        pins = {(one["runbook"], one["digest"]) for one in self._rows(STANDARD)}
        return (row["runbook"], plan.runbook.runbook_digest) in pins

    def _is_overridden(self, row: dict[str, Any]) -> bool:
        return (row["id"], row["plan_digest"]) in self._overrides

    # What must be so after whatever happened.

    def standing(self) -> list[str]:
        """What is not as it must be, whatever was done."""
        return [*self.violations, *self._twice(), *self._lost()]

    def _twice(self) -> Iterator[str]:
        begun = [(step.id.split(".")[0], step.run) for step in self._world.runs.begun]
        for remediation, run in {one for one in begun if begun.count(one) > 1}:
            yield f"{remediation}: {' '.join(run)} ran twice"

    def _lost(self) -> Iterator[str]:
        """Each remediation has ended, waits for something that is named, or is due."""
        waiting = {one["remediation_id"] for one in self._rows(APPROVAL) if one["state"] == "waiting"}
        for row in self._rows(REMEDIATION):
            if row["stage"] == "ended":
                if row["outcome"] == "" or row["ended_at"] is None:
                    yield f"{row['id']} ended without an outcome"
            elif row["stage"] == "waiting":
                if row["id"] not in waiting:
                    yield f"{row['id']} waits, and nobody is asked"
            elif row["wake_at"] is None and row["owner"] is None:
                yield f"{row['id']} in {row['stage']} is lost"
            for held in row["holds"] or []:
                if not held["guard"] or not held["why"]:
                    yield f"{row['id']} is held, and nobody can say why"

    def _row(self, id_: str) -> dict[str, Any]:
        return self._world.row(REMEDIATION, id_)

    def _rows(self, table: sa.Table) -> list[dict[str, Any]]:
        return self._world.rows(table)


def _is_on(window: Window, names: set[str], at: datetime) -> bool:
    return window.start <= at < window.end and (not window.items or bool(window.items & names))
