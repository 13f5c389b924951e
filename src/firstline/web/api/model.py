"""What the API answers, for those who write programs against it. Times are in UTC."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from firstline.connector import Finding
from firstline.incident import Reference


class DeliverySummary(BaseModel):
    id: str
    connection: str
    key: str = Field(description="The vendor's delivery key: a repeat of it is the same delivery.")
    received_at: datetime
    state: str = Field(description="new, done or parked")
    reason: str = Field(description="Why it is parked.")


class DeliveryWhole(DeliverySummary):
    headers: dict[str, str]
    body: str = Field(description="As received; bytes that are no UTF-8 are replaced.")


class EventShown(BaseModel):
    id: str
    connection: str
    event_id: str = Field(description="The same for the same happening, however it was delivered.")
    delivery_id: str
    type: str
    occurred_at: datetime
    own: bool = Field(description="The echo of our own write; it starts nothing.")
    event: dict[str, Any]


class DecisionShown(BaseModel):
    id: str
    event_id: str = Field(description="The `id` of the event.")
    at: datetime
    outcome: str = Field(description="matched, attached, nothing or error")
    mapping: str
    runbook: str
    mode: str
    dedupe: str
    reason: str
    trace: dict[str, Any] | None = Field(description="Each mapping that was looked at, with its clauses.")
    remediation_id: str | None


class RemediationSummary(BaseModel):
    id: str
    connection: str
    mapping: str
    mode: str
    environment: str
    stage: str = Field(description="ready, waiting, prepared, acted or ended")
    outcome: str = Field(description="proved, failed, not_needed, suggested, refused, expired, unknown or stopped")
    reason: str
    approved_by: str
    incident: dict[str, Any]
    change: Reference | None
    plan_digest: str
    created_at: datetime
    ended_at: datetime | None


class TimelineLine(BaseModel):
    id: str
    at: datetime
    actor: str
    act: str
    text: str


class RunSummary(BaseModel):
    id: str
    phase: str = Field(description="before, step, after, rollback or diagnose")
    name: str
    target: str
    executor: str
    state: str
    exit_status: int | None
    detail: str
    log_size: int = Field(description="Bytes of its full log: GET .../runs/{run_id}/log.")
    log_digest: str = Field(description="The log's SHA-256, 64 hexadecimal digits; empty where nothing was printed.")
    begun_at: datetime
    ended_at: datetime | None


class RunShown(RunSummary):
    output: str = Field(description="Head and tail.")


class ApprovalShown(BaseModel):
    id: str
    remediation_id: str
    plan_digest: str = Field(description="What is approved: this plan and no other.")
    state: str = Field(description="waiting, approved, refused, expired or void (the plan has changed)")
    asked_at: datetime
    expires_at: datetime
    decided_at: datetime | None
    decided_by: str
    comment: str


class WriteBackShown(BaseModel):
    id: str
    remediation_id: str
    connection: str
    record: str
    key: str
    act: str = Field(description="note, state, update, attachment, change, alarm, announcement or notification")
    reference: Reference
    body: dict[str, Any]
    state: str = Field(description="pending, sending, done, parked, folded or discarded")
    folded_into: str | None = Field(description="The write that says it too.")
    attempts: int
    due_at: datetime
    reason: str = Field(description="The vendor's own words.")
    written: Reference | None
    done_at: datetime | None


class RemediationWhole(RemediationSummary):
    plan: dict[str, Any]
    findings: dict[str, Any] | None
    timeline: list[TimelineLine]
    runs: list[RunShown]
    approvals: list[ApprovalShown]
    write_backs: list[WriteBackShown]


class BudgetShown(BaseModel):
    limit: int | None = Field(description="Requests in a window, told by the vendor or set; null: not known.")
    used: int = Field(description="In this window, by all processes.")
    resets_at: datetime = Field(description="When the next window begins.")
    total: int = Field(description="Requests since the first start.")


class ConnectionShown(BaseModel):
    name: str
    connector: str
    paused_at: datetime | None
    reason: str
    failures: int = Field(description="Requests in a row that were not answered.")
    rests_until: datetime | None = Field(description="Nothing is asked of it before; null: it is in use.")
    budget: BudgetShown
    findings: list[Finding] | None = Field(description="Of the look at the hub's start; null until it was looked at.")
