"""What is to be written elsewhere, and what may be asked of whom."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from firstline.store import column


class WriteBackRow(SQLModel, table=True):
    __tablename__ = "fl_write_back"
    __table_args__ = (
        sa.UniqueConstraint("connection", "key"),
        sa.Index("fl_write_back_state", "state", "id"),
        sa.Index("fl_write_back_record", "connection", "record", "state", "id"),
    )

    id: str = column.key()
    remediation_id: str = Field(index=True)
    connection: str
    record: str  # what order is kept for: kind and id of the reference
    key: str
    act: str  # note, state, update, attachment, change, alarm, announcement
    reference: Any = column.json()  # firstline.incident.Reference
    body: Any = column.told_json()  # Note, StateChange, or a change's move
    state: str = "pending"  # pending, sending, done, parked, folded, discarded
    folded_into: str | None = None  # the write that says it too: fl_write_back.id
    attempts: int = 0
    due_at: datetime = column.moment()
    reason: str = column.told()
    written: Any = column.json()  # firstline.incident.Reference of what was written
    done_at: datetime | None = column.later()


class ConnectionRow(SQLModel, table=True):
    __tablename__ = "fl_connection"

    name: str = Field(primary_key=True)
    paused_at: datetime | None = column.later()
    reason: str = column.told()
    failures: int = 0  # in a row, of any request
    rests_until: datetime | None = column.later()  # nothing is asked of it before


class BudgetRow(SQLModel, table=True):
    """What was asked of a connection in the vendor's current window, by all processes."""

    __tablename__ = "fl_budget"

    connection: str = Field(primary_key=True)
    began_at: datetime = column.moment()
    window: float = 3600.0  # seconds
    used: int = 0
    limit: int | None = None  # learnt or set; None: not known
    total: int = Field(default=0, sa_type=sa.BigInteger)  # since the first start
