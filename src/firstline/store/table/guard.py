"""What keeps a remediation from going on."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from firstline.store import column


class LockRow(SQLModel, table=True):
    """A target that a remediation has for itself."""

    __tablename__ = "fl_lock"

    target: str = Field(primary_key=True)
    remediation_id: str = Field(index=True)
    taken_at: datetime = column.moment()
    expires_at: datetime = column.moment()


class TouchRow(SQLModel, table=True):
    """A target on which a remediation was let go: what limits, cool-downs and flap detection count."""

    __tablename__ = "fl_touch"
    __table_args__ = (
        sa.UniqueConstraint("remediation_id", "target"),
        sa.Index("fl_touch_target", "target", "at", "remediation_id"),
        sa.Index("fl_touch_runbook", "runbook", "at", "remediation_id"),
        sa.Index("fl_touch_service", "service", "at", "remediation_id"),
        sa.Index("fl_touch_fault", "fault", "at", "remediation_id"),
        sa.Index("fl_touch_at", "at", "remediation_id"),
    )

    id: str = column.key()
    remediation_id: str
    target: str
    runbook: str
    service: str
    fault: str  # mapping and item: the same fault again
    environment: str
    at: datetime = column.moment()
    left_at: datetime | None = column.later()  # when the remediation let go of it


class SwitchRow(SQLModel, table=True):
    """A kill switch that is thrown: nothing of its scope begins."""

    __tablename__ = "fl_switch"

    scope: str = Field(primary_key=True)  # all, connection:x, runbook:pack/id, service:x, environment:x
    by: str
    reason: str = column.told()
    at: datetime = column.moment()


class BreakerRow(SQLModel, table=True):
    """Failures of a runbook in an environment, in a row; open: it rests until."""

    __tablename__ = "fl_breaker"

    runbook: str = Field(primary_key=True)
    environment: str = Field(primary_key=True)
    failures: int = 0
    last_at: datetime | None = column.later()  # of the last failure
    opened_at: datetime | None = column.later()
    until: datetime | None = column.later()
    probe: str | None = None  # the remediation that was let through after the rest


class BlackoutRow(SQLModel, table=True):
    """A register's own window, as it was last asked for."""

    __tablename__ = "fl_blackout"

    id: str = column.key()
    connection: str = Field(index=True)
    blackout: Any = column.json()  # firstline.connector.Blackout
    start: datetime = column.moment()
    end: datetime = column.moment()
    seen_at: datetime = column.moment()
