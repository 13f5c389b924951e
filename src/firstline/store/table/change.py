"""Firstline's own change requests, and what is pre-approved."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from firstline.store import column


class ChangeRow(SQLModel, table=True):
    """A change request in Firstline's own register. Numbers have no gaps."""

    __tablename__ = "fl_change"
    __table_args__ = (sa.Index("fl_change_ci", "ci", "state"),)

    number: int = Field(primary_key=True, sa_type=sa.BigInteger)
    key: str = Field(unique=True)
    type: str  # firstline.connector.ChangeType
    state: str  # firstline.connector.ChangeState
    ci: str = column.told()
    draft: Any = column.told_json()  # firstline.connector.ChangeDraft
    planned_start: datetime | None = column.later()
    planned_end: datetime | None = column.later()
    approval: str = "not_required"  # firstline.connector.Approval.state
    approved_by: Any = column.json()  # list of names: who decided, also who refused
    comment: str = column.told()
    notes: Any = column.told_json()  # list of firstline.register.note.Line, oldest first
    result: str = ""
    opened_at: datetime = column.moment()
    closed_at: datetime | None = column.later()


class CounterRow(SQLModel, table=True):
    """The last number that was given to records of a name."""

    __tablename__ = "fl_counter"

    name: str = Field(primary_key=True)
    last: int = Field(sa_type=sa.BigInteger)


class StandardRow(SQLModel, table=True):
    """A version of a runbook that a change manager has pre-approved, under a template."""

    __tablename__ = "fl_standard"

    runbook: str = Field(primary_key=True)  # pack and id
    digest: str = Field(primary_key=True)
    template: str
    by: str
    at: datetime = column.moment()
