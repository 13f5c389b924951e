"""What the guards see now, for people: what is thrown, open, locked, frozen and held."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from pydantic import AwareDatetime, BaseModel

from firstline.guard import Hold, Windows
from firstline.guard.breaker import Stage, State, stage
from firstline.remediation.hold.switch import thrown
from firstline.store.table import BREAKER, LOCK, REMEDIATION

SOON = timedelta(days=1)  # how far ahead windows are shown
MOST = 500  # of each kind: a list for people


class SwitchShown(BaseModel):
    scope: str
    by: str
    reason: str
    at: AwareDatetime


class BreakerShown(BaseModel):
    runbook: str
    environment: str
    stage: Stage
    failures: int
    until: AwareDatetime | None = None
    probe: str | None = None


class LockShown(BaseModel):
    target: str
    remediation_id: str
    taken_at: AwareDatetime
    expires_at: AwareDatetime


class WindowShown(BaseModel):
    kind: str
    name: str
    start: AwareDatetime
    end: AwareDatetime
    items: list[str]  # empty: everything
    place: str


class HeldShown(BaseModel):
    remediation_id: str
    runbook: str
    environment: str
    holds: list[Hold]


class Overview(BaseModel):
    """`faults`: calendars that can't be read; while there is one, nothing is changed. `windows`: of now and the next
    day."""

    switches: list[SwitchShown]
    breakers: list[BreakerShown]
    faults: list[str]
    windows: list[WindowShown]
    locks: list[LockShown]
    held: list[HeldShown]


def overview(
    connection: sa.Connection, windows: Windows, now: datetime, mine: sa.ColumnElement[bool] | None = None
) -> Overview:
    """`mine`: which remediations, and what belongs to them, are shown; None: all."""
    shown = sa.true() if mine is None else mine
    return Overview(
        switches=[SwitchShown.model_validate(each, from_attributes=True) for each in thrown(connection)],
        breakers=list(_breakers(connection, now)),
        faults=list(windows.faults),
        windows=list(_windows(windows, now)),
        locks=_locks(connection, now, shown),
        held=_held(connection, shown),
    )


def _breakers(connection: sa.Connection, now: datetime) -> Iterator[BreakerShown]:
    """Those that are not closed, or on their way to open."""
    query = sa.select(BREAKER).where(BREAKER.c.failures > 0).order_by(BREAKER.c.runbook, BREAKER.c.environment)
    for row in connection.execute(query.limit(MOST)).mappings():
        state = State(row["failures"], row["last_at"], row["opened_at"], row["until"], row["probe"])
        yield BreakerShown.model_validate({**row, "stage": stage(state, now)})


def _windows(windows: Windows, now: datetime) -> Iterator[WindowShown]:
    soon = [each for each in windows.all if each.start < now + SOON and now < each.end]
    for each in soon[:MOST]:
        yield WindowShown.model_validate({**vars(each), "items": sorted(each.items)})


def _locks(connection: sa.Connection, now: datetime, mine: sa.ColumnElement[bool]) -> list[LockShown]:
    query = sa.select(LOCK).join(REMEDIATION, REMEDIATION.c.id == LOCK.c.remediation_id)
    query = query.where(LOCK.c.expires_at > now, mine).order_by(LOCK.c.target).limit(MOST)
    return [LockShown.model_validate(dict(row)) for row in connection.execute(query).mappings()]


def _held(connection: sa.Connection, mine: sa.ColumnElement[bool]) -> list[HeldShown]:
    columns = REMEDIATION.c
    query = sa.select(columns.id, columns.runbook, columns.environment, columns.holds)
    query = query.where(columns.holds.is_not(None), columns.ended_at.is_(None), mine).order_by(columns.id).limit(MOST)
    return [_one(row) for row in connection.execute(query).mappings()]


def _one(row: Any) -> HeldShown:
    holds = [Hold.model_validate(each) for each in row["holds"]]
    return HeldShown(remediation_id=row["id"], runbook=row["runbook"], environment=row["environment"], holds=holds)
