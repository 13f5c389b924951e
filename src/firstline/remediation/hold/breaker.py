"""Breakers of runbooks: each end of a remediation is counted, and who is needed is told."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from firstline.connector import Alarm
from firstline.governor import alarm
from firstline.guard import breaker
from firstline.guard.breaker import State
from firstline.guard.hold import moment
from firstline.guard.settings import Breaker
from firstline.guard.subject import Subject
from firstline.remediation.timeline import tell
from firstline.store.database import insert_or
from firstline.store.table import BREAKER, REMEDIATION

_COLUMNS = ("failures", "last_at", "opened_at", "until", "probe")

_STATE = sa.select(BREAKER).where(
    BREAKER.c.runbook == sa.bindparam("runbook"), BREAKER.c.environment == sa.bindparam("environment")
)


def state(connection: sa.Connection, runbook: str, environment: str) -> State:
    """As it stands. A probe that has ended without a word on the runbook is none any more."""
    row = connection.execute(_STATE, {"runbook": runbook, "environment": environment}).mappings().first()
    if row is None:
        return State()
    found = State(**{name: row[name] for name in _COLUMNS})
    return (
        found
        if found.probe is None or _is_at_work(connection, found.probe)
        else State(**asdict(found) | {"probe": None})
    )


def probe(connection: sa.Connection, subject: Subject, seen: State, now: datetime) -> None:
    """A remediation is let go: in a half-open breaker it is the one that tries. The caller is `alone` and has seen the
    state."""
    _keep(connection, subject.runbook, subject.environment, seen, breaker.probing(seen, subject.remediation, now))


def leave(connection: sa.Connection, remediation_id: str) -> None:
    """It does not try after all, or no longer: the next one may."""
    connection.execute(sa.update(BREAKER).where(BREAKER.c.probe == remediation_id).values(probe=None))


def settle(
    connection: sa.Connection, row: Mapping[str, Any], outcome: str, limit: Breaker, now: datetime, pager: str = ""
) -> bool:
    """Count an end; True when the breaker opened by it. `pager` is told, and that it is over when the runbook is proved
    again. The caller is `alone`."""
    if not row["changes"]:
        return False
    runbook, environment = str(row["runbook"]), str(row["environment"])
    before = state(connection, runbook, environment)
    after = breaker.after(before, str(row["id"]), outcome, limit, now)
    _keep(connection, runbook, environment, before, after)
    if breaker.tripped(before, after):
        _opened(connection, row, after, pager)
    elif before.opened_at is not None and after.opened_at is None:
        tell(connection, row["id"], "breaker", f"The breaker of {runbook} in {environment} is closed again")
        alarm.withdraw(connection, pager, _key(row), f"Firstline: {runbook} in {environment} is proved again")
    return breaker.tripped(before, after)


def _opened(connection: sa.Connection, row: Mapping[str, Any], opened: State, pager: str) -> None:
    until = moment(opened.until) if opened.until else "a person closes it"
    said = f"{row['runbook']} failed {opened.failures} times in a row in {row['environment']}; it rests until {until}"
    tell(connection, row["id"], "breaker", f"The breaker opened: {said}", facts={"failures": opened.failures})
    details = {"runbook": row["runbook"], "environment": row["environment"], "remediation": row["id"]}
    called = Alarm(key=_key(row), summary=f"Firstline: {said}"[:1024], details=details)
    alarm.call(connection, pager, called, row["id"])


def _key(row: Mapping[str, Any]) -> str:
    return f"breaker.{row['runbook']}.{row['environment']}"[:255]


def _keep(connection: sa.Connection, runbook: str, environment: str, before: State, after: State) -> None:
    if after == before:
        return
    row = {"runbook": runbook, "environment": environment, **asdict(after)}
    insert_or(connection, BREAKER, [row], ["runbook", "environment"], set(_COLUMNS))


def _is_at_work(connection: sa.Connection, remediation_id: str) -> bool:
    at_work = sa.select(REMEDIATION.c.id).where(REMEDIATION.c.id == remediation_id, REMEDIATION.c.ended_at.is_(None))
    return connection.execute(at_work).first() is not None
