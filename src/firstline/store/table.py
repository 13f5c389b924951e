"""The hub's own tables. Prefixed, because on SQLite the durable engine's tables stand in the same file.

Columns of type `Json` hold what `model_dump(mode="json")` of the model named in the comment gives."""

from datetime import UTC, datetime
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

from firstline.store.identifier import new_id
from firstline.store.told import Told, ToldJson


class Json(TypeDecorator[Any]):
    """A JSON value as text: the same bytes on every database, and fast."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else orjson.dumps(value).decode()

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002
        return None if value is None else orjson.loads(value)


class Moment(TypeDecorator[datetime]):
    """An aware time, kept as UTC microseconds since 1970: sorts and compares alike on every database."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        return None if value is None else round(value.timestamp() * 1_000_000)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else datetime.fromtimestamp(value / 1_000_000, UTC)


def now() -> datetime:
    return datetime.now(UTC)


def _id() -> Any:
    return Field(default_factory=new_id, primary_key=True)


def _moment(**options: Any) -> Any:
    return Field(default_factory=now, sa_type=Moment, **options)


def _later(**options: Any) -> Any:
    return Field(default=None, sa_type=Moment, nullable=True, **options)


def _json(**options: Any) -> Any:
    return Field(default=None, sa_type=Json, nullable=True, **options)


def _told(default: str = "") -> Any:
    return Field(default=default, sa_type=Told)


def _told_json() -> Any:
    return Field(default=None, sa_type=ToldJson, nullable=True)


class DeliveryRow(SQLModel, table=True):
    __tablename__ = "fl_delivery"
    __table_args__ = (sa.UniqueConstraint("connection", "key"), sa.Index("fl_delivery_state", "state", "id"))

    id: str = _id()
    connection: str
    key: str
    headers: dict[str, str] = _json()
    body: bytes
    received_at: datetime = _moment()
    polled: bool = False
    state: str = "new"  # new, done, parked
    reason: str = _told()


class EventRow(SQLModel, table=True):
    __tablename__ = "fl_event"
    __table_args__ = (
        sa.UniqueConstraint("connection", "event_id"),
        sa.Index("fl_event_way", "connection", "polled", "id"),
    )

    id: str = _id()
    connection: str
    event_id: str
    delivery_id: str = Field(index=True)
    type: str
    occurred_at: datetime = _moment()
    event: Any = _json()  # firstline.incident.Event
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
    incident: Any = _json()  # firstline.incident.Incident
    updated_at: datetime = _moment()


class DecisionRow(SQLModel, table=True):
    __tablename__ = "fl_decision"

    id: str = _id()
    event_id: str = Field(index=True, unique=True)  # fl_event.id
    at: datetime = _moment()
    outcome: str  # matched, attached, held, nothing, error
    mapping: str = ""
    runbook: str = ""
    mode: str = ""
    dedupe: str = ""
    reason: str = _told()
    trace: Any = _json()
    remediation_id: str | None = Field(default=None, index=True)


class RemediationRow(SQLModel, table=True):
    __tablename__ = "fl_remediation"
    __table_args__ = (
        sa.Index("fl_remediation_due", "wake_at"),
        sa.Index("fl_remediation_owner", "owner"),
        sa.Index("fl_remediation_tell", "tell_at"),
        sa.Index("fl_remediation_record", "connection", "record", "created_at"),
    )

    id: str = _id()
    event_id: str  # fl_event.id
    connection: str
    record: str = ""  # kind and id of the incident's reference
    environment: str
    mapping: str
    mode: str
    active_key: str | None = Field(default=None, unique=True)  # mapping and dedupe key while active: one at a time
    incident: Any = _json()  # firstline.incident.Incident, as it was when matched
    plan: Any = _json()  # firstline.remediation.plan.Plan
    plan_digest: str
    stage: str  # ready, waiting, prepared, acted, ended
    outcome: str = ""  # proved, failed, not_needed, suggested, refused, expired, unknown, stopped
    reason: str = _told()
    approved_by: str = ""
    change: Any = _json()  # firstline.incident.Reference
    findings: Any = _told_json()  # firstline.remediation.finding.Findings
    owner: str | None = None  # the boot of the process that has it in hand
    turn: int = 0
    attempts: int = 0
    wake_at: datetime | None = _later()
    tell_at: datetime | None = _later()  # when its incident is told that somebody is at it, if it still goes on then
    created_at: datetime = _moment()
    ended_at: datetime | None = _later()


class RunRow(SQLModel, table=True):
    __tablename__ = "fl_run"

    id: str = Field(primary_key=True)  # the executor's step id
    remediation_id: str = Field(index=True)
    phase: str
    name: str
    target: str
    executor: str
    place: str = ""  # whose state folder the executor's own traces of the run are in
    state: str = "begun"
    handle: Any = _json()  # firstline.executor.Handle
    exit_status: int | None = None
    output: str = ""  # masked, as it was before it was cut
    detail: str = _told()
    begun_at: datetime = _moment()
    ended_at: datetime | None = _later()


class TimelineRow(SQLModel, table=True):
    __tablename__ = "fl_timeline"

    id: str = _id()
    remediation_id: str = Field(index=True)
    at: datetime = _moment()
    actor: str = "firstline"
    act: str
    text: str = _told()


class ApprovalRow(SQLModel, table=True):
    __tablename__ = "fl_approval"

    id: str = _id()
    remediation_id: str = Field(index=True)
    plan_digest: str
    state: str = Field(default="waiting", index=True)  # waiting, approved, refused, expired
    asked_at: datetime = _moment()
    expires_at: datetime = _moment()
    decided_at: datetime | None = _later()
    decided_by: str = ""
    comment: str = _told()


class WriteBackRow(SQLModel, table=True):
    __tablename__ = "fl_write_back"
    __table_args__ = (
        sa.UniqueConstraint("connection", "key"),
        sa.Index("fl_write_back_state", "state", "id"),
        sa.Index("fl_write_back_record", "connection", "record", "state", "id"),
    )

    id: str = _id()
    remediation_id: str = Field(index=True)
    connection: str
    record: str  # what order is kept for: kind and id of the reference
    key: str
    act: str  # note, state, update, attachment, change, alarm, announcement
    reference: Any = _json()  # firstline.incident.Reference
    body: Any = _told_json()  # Note, StateChange, or a change's move
    state: str = "pending"  # pending, sending, done, parked, folded, discarded
    folded_into: str | None = None  # the write that says it too: fl_write_back.id
    attempts: int = 0
    due_at: datetime = _moment()
    reason: str = _told()
    written: Any = _json()  # firstline.incident.Reference of what was written
    done_at: datetime | None = _later()


class ConnectionRow(SQLModel, table=True):
    __tablename__ = "fl_connection"

    name: str = Field(primary_key=True)
    paused_at: datetime | None = _later()
    reason: str = _told()
    failures: int = 0  # in a row, of any request
    rests_until: datetime | None = _later()  # nothing is asked of it before


class BudgetRow(SQLModel, table=True):
    """What was asked of a connection in the vendor's current window, by all processes."""

    __tablename__ = "fl_budget"

    connection: str = Field(primary_key=True)
    began_at: datetime = _moment()
    window: float = 3600.0  # seconds
    used: int = 0
    limit: int | None = None  # learnt or set; None: not known
    total: int = Field(default=0, sa_type=sa.BigInteger)  # since the first start


class LinkRow(SQLModel, table=True):
    """Another record that a remediation mends too: attached to it, and told how it ended."""

    __tablename__ = "fl_link"
    __table_args__ = (
        sa.UniqueConstraint("remediation_id", "connection", "record"),
        sa.Index("fl_link_record", "connection", "record"),
    )

    id: str = _id()
    remediation_id: str
    connection: str
    record: str
    reference: Any = _json()  # firstline.incident.Reference
    why: str
    at: datetime = _moment()


class FaultRow(SQLModel, table=True):
    """A name of a fault that a remediation has in hand: one at a time."""

    __tablename__ = "fl_fault"

    key: str = Field(primary_key=True)
    remediation_id: str = Field(index=True)


class SourceRow(SQLModel, table=True):
    """How far a connection's events were brought by asking for them."""

    __tablename__ = "fl_source"

    connection: str = Field(primary_key=True)
    watched_from: datetime = _moment()
    pushed_at: datetime | None = _later()  # when its webhook last brought something
    cursor: datetime | None = _later()  # by the vendor's clock: all before is here
    polled_at: datetime | None = _later()  # by ours: the last poll that came to its end
    trouble: str = _told()  # why the last poll did not
    registration: Any = _json()  # firstline.connector.Registration, once `firstline connect` made it
    renewed_at: datetime | None = _later()
    silent_since: datetime | None = _later()  # polls bring what the webhook should have
    verified_to: datetime | None = _later()  # by a reconciliation: nothing missing before


class ReconciliationRow(SQLModel, table=True):
    __tablename__ = "fl_reconciliation"

    id: str = _id()
    connection: str = Field(index=True)
    since: datetime = _moment()
    until: datetime = _moment()
    there: int = 0  # incidents that the vendor has in the period
    seen: int = 0  # of those, known here when it began
    fetched: int = 0  # of those, brought by it
    hidden: int = 0  # counted by the vendor, not shown to the account
    began_at: datetime = _moment()
    ended_at: datetime | None = _later()
    trouble: str = _told()


class TokenRow(SQLModel, table=True):
    __tablename__ = "fl_token"

    id: str = _id()
    person: str
    hash: str = Field(unique=True)
    rights: Any = _json()  # list of firstline.access.Right
    created_at: datetime = _moment()
    expires_at: datetime | None = _later()


def _table(row: type[SQLModel]) -> sa.Table:
    table: sa.Table = row.__table__  # type: ignore[attr-defined] # SQLModel makes it, untyped
    return table


# For queries: rows are read and written by column, several times faster than as objects.
DELIVERY = _table(DeliveryRow)
EVENT = _table(EventRow)
INCIDENT = _table(IncidentRow)
DECISION = _table(DecisionRow)
REMEDIATION = _table(RemediationRow)
RUN = _table(RunRow)
TIMELINE = _table(TimelineRow)
APPROVAL = _table(ApprovalRow)
WRITE_BACK = _table(WriteBackRow)
CONNECTION = _table(ConnectionRow)
TOKEN = _table(TokenRow)
BUDGET = _table(BudgetRow)
LINK = _table(LinkRow)
FAULT = _table(FaultRow)
SOURCE = _table(SourceRow)
RECONCILIATION = _table(ReconciliationRow)
