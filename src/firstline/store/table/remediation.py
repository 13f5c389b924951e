"""Remediations, with what belongs to each."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from firstline.store import column


class RemediationRow(SQLModel, table=True):
    __tablename__ = "fl_remediation"
    __table_args__ = (
        sa.Index("fl_remediation_due", "wake_at"),
        sa.Index("fl_remediation_owner", "owner"),
        sa.Index("fl_remediation_tell", "tell_at"),
        sa.Index("fl_remediation_record", "connection", "record", "created_at"),
        sa.Index("fl_remediation_change", "change_record"),
        sa.Index("fl_remediation_mapping", "mapping", "environment", "id"),
        sa.Index("fl_remediation_runbook", "runbook", "environment", "id"),
    )

    id: str = column.key()
    event_id: str  # fl_event.id
    connection: str
    record: str = ""  # kind and id of the incident's reference
    environment: str
    mapping: str
    mode: str
    active_key: str | None = Field(default=None, unique=True)  # mapping and dedupe key while active: one at a time
    incident: Any = column.json()  # firstline.incident.Incident, as it was when matched
    plan: Any = column.json()  # firstline.remediation.plan.Plan
    plan_digest: str
    service: str = ""  # the incident's service or CI: what limits and switches are about
    pack: str = ""
    runbook: str = ""  # pack and id
    changes: bool = False  # whether the plan changes anything
    stage: str  # waiting, ready, opened, prepared, acted, ended
    outcome: str = ""  # proved, failed, not_needed, suggested, refused, expired, unknown, stopped
    reason: str = column.told()
    approved_by: str = ""
    holds: Any = column.json()  # list of firstline.guard.Hold: what keeps it from going on now
    override: Any = column.json()  # firstline.remediation.hold.gate.Override: who let it past its holds, and why
    change: Any = column.json()  # firstline.incident.Reference
    change_type: str = ""  # as it was decided when it was opened: standard, normal, emergency
    change_record: str | None = None  # connection, kind and id of the change: an event of it wakes the remediation
    change_late: bool = False  # its register did not answer: it is recorded afterwards
    asked_at: datetime | None = column.later()  # when its change began to wait
    change_open: bool = False  # the change is not at its end yet, or its approval is followed afterwards
    findings: Any = column.told_json()  # firstline.remediation.run.finding.Findings
    owner: str | None = None  # the boot of the process that has it in hand
    turn: int = 0
    attempts: int = 0
    wake_at: datetime | None = column.later()
    tell_at: datetime | None = column.later()  # when its incident is told that it is worked on
    created_at: datetime = column.moment()
    ended_at: datetime | None = column.later()
    reopened_at: datetime | None = column.later()  # its incident came back after it was proved


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
    handle: Any = column.json()  # firstline.executor.Handle
    exit_status: int | None = None
    output: str = ""  # head and tail, masked before they were cut
    outputs: Any = column.json()  # what the step gave to later ones
    surroundings: str = ""  # what held it: a sandbox, limits, an account
    log_size: int = Field(default=0, sa_type=sa.BigInteger)  # bytes of the full log: firstline.remediation.run.log
    log_digest: str = ""  # its SHA-256, 64 hexadecimal digits; empty where nothing was printed
    detail: str = column.told()
    begun_at: datetime = column.moment()
    ended_at: datetime | None = column.later()


class LinkRow(SQLModel, table=True):
    """Another record that a remediation mends too: attached to it, and told how it ended."""

    __tablename__ = "fl_link"
    __table_args__ = (
        sa.UniqueConstraint("remediation_id", "connection", "record"),
        sa.Index("fl_link_record", "connection", "record"),
    )

    id: str = column.key()
    remediation_id: str
    connection: str
    record: str
    reference: Any = column.json()  # firstline.incident.Reference
    why: str
    at: datetime = column.moment()


class FaultRow(SQLModel, table=True):
    """A name of a fault that a remediation has in hand: one at a time."""

    __tablename__ = "fl_fault"

    key: str = Field(primary_key=True)
    remediation_id: str = Field(index=True)


class ApprovalRow(SQLModel, table=True):
    __tablename__ = "fl_approval"

    id: str = column.key()
    remediation_id: str = Field(index=True)
    plan_digest: str
    asks: Any = column.json()  # firstline.remediation.approval.Asks: who may answer, how many must
    state: str = Field(default="waiting", index=True)  # waiting, approved, refused, expired, void
    asked_at: datetime = column.moment()
    expires_at: datetime = column.moment()
    decided_at: datetime | None = column.later()
    decided_by: str = ""  # everybody who let it go, or who refused
    comment: str = column.told()


class VoteRow(SQLModel, table=True):
    """What one person answered to a question."""

    __tablename__ = "fl_vote"
    __table_args__ = (sa.UniqueConstraint("approval_id", "person"),)

    id: str = column.key()
    approval_id: str
    person: str  # whose word it is
    by: str  # who gave it: the person, or whom the person has delegated to
    way: str  # api, portal, link
    verdict: str  # approved, refused
    comment: str = column.told()
    at: datetime = column.moment()


class ModeRow(SQLModel, table=True):
    """A mode that was earned or lost. It stands beside the declared one: `firstline.remediation.autonomy.mode`."""

    __tablename__ = "fl_mode"

    mapping: str = Field(primary_key=True)
    environment: str = Field(primary_key=True)
    mode: str
    declared: str  # what the mapping declared then
    by: str
    reason: str = column.told()
    evidence: Any = column.json()
    at: datetime = column.moment()
