"""What came in, and what was made of it."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from firstline.store import column


class DeliveryRow(SQLModel, table=True):
    __tablename__ = "fl_delivery"
    __table_args__ = (sa.UniqueConstraint("connection", "key"), sa.Index("fl_delivery_state", "state", "id"))

    id: str = column.key()
    connection: str
    key: str
    headers: dict[str, str] = column.json()
    body: bytes
    received_at: datetime = column.moment()
    polled: bool = False
    state: str = "new"  # new, done, parked
    reason: str = column.told()


class EventRow(SQLModel, table=True):
    __tablename__ = "fl_event"
    __table_args__ = (
        sa.UniqueConstraint("connection", "event_id"),
        sa.Index("fl_event_way", "connection", "polled", "id"),
    )

    id: str = column.key()
    connection: str
    event_id: str
    delivery_id: str = Field(index=True)
    type: str
    occurred_at: datetime = column.moment()
    event: Any = column.json()  # firstline.incident.Event
    own: bool = False
    polled: bool = False  # the way it came first
    late: float = 0.0  # seconds from the happening to its delivery


class IncidentRow(SQLModel, table=True):
    __tablename__ = "fl_incident"

    connection: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    record_id: str = Field(primary_key=True)
    version: int = Field(default=0, sa_type=sa.BigInteger)
    state: str = "open"  # firstline.incident.IncidentState
    incident: Any = column.json()  # firstline.incident.Incident
    updated_at: datetime = column.moment()


class DecisionRow(SQLModel, table=True):
    __tablename__ = "fl_decision"

    id: str = column.key()
    event_id: str = Field(index=True, unique=True)  # fl_event.id
    at: datetime = column.moment()
    outcome: str  # matched, attached, held, nothing, error
    mapping: str = ""
    runbook: str = ""
    mode: str = ""
    dedupe: str = ""
    reason: str = column.told()
    trace: Any = column.json()
    remediation_id: str | None = Field(default=None, index=True)


class SourceRow(SQLModel, table=True):
    """How far a connection's events were brought by asking for them."""

    __tablename__ = "fl_source"

    connection: str = Field(primary_key=True)
    watched_from: datetime = column.moment()
    pushed_at: datetime | None = column.later()  # when its webhook last brought something
    cursor: datetime | None = column.later()  # by the vendor's clock: all before is here
    polled_at: datetime | None = column.later()  # by ours: the last poll that came to its end
    trouble: str = column.told()  # why the last poll did not
    registration: Any = column.json()  # firstline.connector.Registration, once `firstline connect` made it
    renewed_at: datetime | None = column.later()
    silent_since: datetime | None = column.later()  # polls bring what the webhook should have
    verified_to: datetime | None = column.later()  # by a reconciliation: nothing missing before


class ReconciliationRow(SQLModel, table=True):
    __tablename__ = "fl_reconciliation"

    id: str = column.key()
    connection: str = Field(index=True)
    since: datetime = column.moment()
    until: datetime = column.moment()
    there: int = 0  # incidents that the vendor has in the period
    seen: int = 0  # of those, known here when it began
    fetched: int = 0  # of those, brought by it
    hidden: int = 0  # counted by the vendor, not shown to the account
    began_at: datetime = column.moment()
    ended_at: datetime | None = column.later()
    trouble: str = column.told()
