"""Lets a remediation go, or says all that holds it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from firstline.guard import Guards, Hold, Windows
from firstline.incident import Incident
from firstline.remediation.hold import breaker, lock, override, touch
from firstline.remediation.hold.lock import renew
from firstline.remediation.hold.switch import switched
from firstline.remediation.hold.verdict import Verdict, judge
from firstline.remediation.plan import Plan


def admit(
    connection: sa.Connection,
    row: Mapping[str, Any],
    plan: Plan,
    incident: Incident,
    rules: Guards,
    windows: Windows,
    now: datetime,
) -> list[Hold]:
    """Let it go where nothing holds it: it has its targets locked and is counted then, once, however often it is asked
    for. Else all that holds it, and nothing is changed. Belongs into a transaction of its own, or into one that has
    written no row of another remediation."""
    lock.alone(connection)
    verdicts, seen = judge(connection, row, plan, incident, rules, windows, now)
    holds = [held for each in verdicts if not each.covered for held in each.holds]
    if not holds and row["changes"]:
        lock.take(connection, seen.about, seen.locks, expiry(plan, rules, now), now)
        breaker.probe(connection, seen.about, seen.state, now)
        if not seen.counted:
            touch.put(connection, seen.about, now)
    return holds


def release(connection: sa.Connection, remediation_id: str, now: datetime) -> None:
    """Let go of its targets: it has ended, or waits for something else before any step of it began. Then it was not at
    work and does not count. Not to be called where a step may be running still (`unknown`): its locks expire."""
    lock.alone(connection)
    lock.drop(connection, remediation_id)
    touch.leave(connection, remediation_id, now)
    breaker.leave(connection, remediation_id)


def expiry(plan: Plan, rules: Guards, now: datetime) -> datetime:
    """Until when targets are locked for a plan, should nobody renew it: never shorter than it can run."""
    runbook = plan.runbook
    looks = sum(check.within + check.hold + check.timeout for check in (*runbook.before, *runbook.after))
    rest = sum(command.timeout for command in (*runbook.rollback, *runbook.diagnose))
    return now + timedelta(seconds=rules.lock + runbook.limits.timeout + looks + rest)


def settle(
    connection: sa.Connection, row: Mapping[str, Any], outcome: str, rules: Guards, now: datetime, pager: str = ""
) -> bool:
    """Count how a remediation (its row, whole) ended: `proved`, `failed`, `unknown`, or anything else, which says
    nothing of its runbook. Called once, in the transaction that ends it. True when the breaker of its runbook opened by
    it; `pager` is told."""
    lock.alone(connection)
    override.over(connection, row, pager)
    return breaker.settle(connection, row, outcome, rules.breaker, now, pager)


__all__ = ["Verdict", "admit", "expiry", "judge", "release", "renew", "settle", "switched"]
