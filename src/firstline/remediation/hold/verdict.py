"""What each guard says of a remediation now."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from firstline.errors import Rejected
from firstline.guard import GuardName, Guards, Hold, Windows, blast, cooldown, flap, rate, switch
from firstline.guard import breaker as breakers
from firstline.guard import lock as locks
from firstline.guard.breaker import State
from firstline.guard.lock import Lock
from firstline.guard.override import Override, override_of
from firstline.guard.subject import Subject, fold
from firstline.incident import Incident
from firstline.remediation.hold import breaker, lock, touch
from firstline.remediation.hold.switch import scopes, thrown
from firstline.remediation.plan import Plan
from firstline.store.table import REMEDIATION


@dataclass(frozen=True)
class Verdict:
    """What a guard says of a remediation now. `is_set` False: nothing is asked of it, by the settings or because the
    remediation changes nothing."""

    guard: GuardName
    holds: tuple[Hold, ...]
    is_set: bool = True
    covered: bool = False  # by an override


@dataclass(frozen=True)
class Seen:
    """What the guards looked at, for one remediation."""

    about: Subject
    locks: Sequence[Lock]  # on its targets and the rest of their group
    counted: bool  # it was let go already
    state: State  # of its runbook's breaker


def judge(
    connection: sa.Connection,
    row: Mapping[str, Any],
    plan: Plan,
    incident: Incident,
    rules: Guards,
    windows: Windows,
    now: datetime,
) -> tuple[list[Verdict], Seen]:
    """What each guard says now, in the order of `GuardName`, and what it looked at; changes nothing. Those that only a
    run can ask (group, conflict, change) are not among them."""
    said = Verdict("switch", tuple(switch.holds(thrown(connection), scopes(row))))
    seen = _see(connection, subject(row, plan, incident))
    if not row["changes"]:
        return [said, *_unasked()], seen
    passed = _override(connection, row)
    looked = (_covered(each, passed) for each in _looked(connection, seen, rules, windows, now))
    return [said, *looked], seen


def why(
    connection: sa.Connection, remediation_id: str, rules: Guards, windows: Windows, now: datetime
) -> list[Verdict]:
    """The same for a person who asks; what only a run can ask stands as it was last seen. Nothing for one that has
    ended. Raises `Rejected` when there is no such remediation."""
    query = sa.select(REMEDIATION).where(REMEDIATION.c.id == remediation_id)
    found = connection.execute(query).mappings().first()
    if found is None:
        raise Rejected(f"there is no remediation {remediation_id}")
    row = dict(found)
    if row["ended_at"] is not None:
        return []
    plan, incident = Plan.model_validate(row["plan"]), Incident.model_validate(row["incident"])
    said, _ = judge(connection, row, plan, incident, rules, windows, now)
    return [*said, *_last(row)]


def _last(row: Mapping[str, Any]) -> Iterator[Verdict]:
    holds = [Hold.model_validate(each) for each in row["holds"] or []]
    return (Verdict(name, found) for name in _RUN_ASKS if (found := _of(name, holds)))


def subject(row: Mapping[str, Any], plan: Plan, incident: Incident) -> Subject:
    runbook = plan.runbook
    targets, service = fold(runbook.targets), str(row["service"])
    change = runbook.change.ci if runbook.change else ""
    named = fold((*targets, incident.ci, incident.service, service, change, plan.environment))
    return Subject(
        remediation=str(row["id"]),
        runbook=str(row["runbook"]),
        environment=str(row["environment"]),
        service=service,
        # By the item, not by the record: the next incident of the same fault is another record.
        fault=f"{plan.mapping}|{incident.ci or plan.service or plan.dedupe}",
        targets=targets,
        group=fold(runbook.group),
        names=frozenset(named),
        most_targets=runbook.limits.targets,
        most_share=runbook.limits.share,
    )


def _see(connection: sa.Connection, about: Subject) -> Seen:
    return Seen(
        about,
        locks=lock.held(connection, {*about.targets, *about.group}),
        counted=touch.is_counted(connection, about.remediation),
        state=breaker.state(connection, about.runbook, about.environment),
    )


def _looked(connection: sa.Connection, seen: Seen, rules: Guards, windows: Windows, now: datetime) -> Iterator[Verdict]:
    about = seen.about
    closed = windows.holds(about.names, now)
    yield Verdict("freeze", _of("freeze", closed))
    yield Verdict("maintenance", _of("maintenance", closed))
    yield Verdict("lock", tuple(locks.holds(seen.locks, about, now)))
    yield from _counting(connection, seen, rules, now)
    busy = [each.target for each in locks.others(seen.locks, about, now)]
    yield Verdict("blast", tuple(blast.holds(about, rules.blast, busy)))
    yield Verdict("breaker", tuple(breakers.holds(seen.state, about.remediation, about.runbook, now)))


def _counting(connection: sa.Connection, seen: Seen, rules: Guards, now: datetime) -> Iterator[Verdict]:
    """What has been counted is not counted again: those after it do not hold it."""
    about, counted = seen.about, seen.counted
    rested = now - timedelta(seconds=rules.cooldown)
    touched = {} if counted or not rules.cooldown else touch.last(connection, about, rested)
    yield Verdict("cooldown", tuple(cooldown.holds(touched, about, rules.cooldown, now)), rules.cooldown > 0)
    mended = [] if counted or rules.flap is None else touch.of_fault(connection, about, rules.flap, now)
    yield Verdict("flap", tuple(flap.holds(mended, rules.flap, now)), rules.flap is not None)
    begun = [] if counted else list(touch.counted(connection, about, rules.rate, now))
    yield Verdict("rate", tuple(rate.holds(begun, now)), any(value for _, value in rules.rate))


_RUN_ASKS: tuple[GuardName, ...] = ("storm", "group", "conflict", "change")
_OVERRIDE = sa.select(REMEDIATION.c.override).where(REMEDIATION.c.id == sa.bindparam("id"))
_ASKED: tuple[GuardName, ...] = ("freeze", "maintenance", "lock", "cooldown", "flap", "rate", "blast", "breaker")


def _unasked() -> Iterator[Verdict]:
    return (Verdict(name, (), is_set=False) for name in _ASKED)


def _of(guard: GuardName, holds: Sequence[Hold]) -> tuple[Hold, ...]:
    return tuple(each for each in holds if each.guard == guard)


def _override(connection: sa.Connection, row: Mapping[str, Any]) -> Override | None:
    """As it is in the database now: a person may have given it since the row was read."""
    kept = connection.execute(_OVERRIDE, {"id": row["id"]}).scalar()
    return override_of({"override": kept, "plan_digest": row["plan_digest"]})


def _covered(said: Verdict, passed: Override | None) -> Verdict:
    if passed is None or not said.holds or not passed.covers(said.guard):
        return said
    return Verdict(said.guard, said.holds, said.is_set, covered=True)
