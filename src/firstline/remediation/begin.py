"""The rows a decision leaves: a remediation in its first stage, by mode, with what people are told or asked."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from pydantic import BaseModel
from sqlmodel import SQLModel

from firstline.connector import Note
from firstline.declaration import Json
from firstline.incident import Event, Incident, Reference
from firstline.ledger import entry
from firstline.remediation import text
from firstline.remediation.plan import Plan
from firstline.remediation.template import Notes, variables
from firstline.store import new_id
from firstline.store.table import ApprovalRow, RemediationRow, WriteBackRow, now

GRACE = timedelta(seconds=5)  # a remediation that ends sooner is told by its outcome alone


@dataclass(frozen=True)
class Beginning:
    """How a matched event goes on. `active_key` is None where nothing stays active (mode `suggest`)."""

    remediation: RemediationRow
    others: list[SQLModel]


def begin(
    event: Event, event_row: str, plan: Plan, dedupe: str, *, url: str, expires: float, notes: Notes | None = None
) -> Beginning:
    """`url` is the hub's own, for links; `expires` the seconds a question waits for its answer; `notes` the operator's
    words."""
    incident = event.incident
    if incident is None:
        raise ValueError("an event without an incident begins nothing")
    remediation = _row(event_row, incident, plan, dedupe)
    told = _Told(remediation, incident, plan, f"{url}/remediations/{remediation.id}", notes or Notes())
    return Beginning(remediation=remediation, others=list(_others(told, f"{url}/api/v1/approvals", expires)))


def write_back(remediation_id: str, key: str, act: str, reference: Reference, body: BaseModel) -> WriteBackRow:
    """A row of the outbox; `key` is unique for the remediation and names the write for ever."""
    return WriteBackRow(
        remediation_id=remediation_id,
        connection=reference.connection,
        record=f"{reference.kind}:{reference.id}",
        key=f"{remediation_id}.{key}",
        act=act,
        reference=reference.model_dump(mode="json"),
        body=body.model_dump(mode="json"),
    )


def note(remediation_id: str, key: str, reference: Reference, note: Note) -> WriteBackRow:
    return write_back(remediation_id, key, "note", reference, note)


def _row(event_row: str, incident: Incident, plan: Plan, dedupe: str) -> RemediationRow:
    stage = {"suggest": "ended", "approve": "waiting", "auto": "ready"}[plan.mode]
    ended = stage == "ended"
    return RemediationRow(
        id=new_id(),
        event_id=event_row,
        connection=incident.reference.connection,
        record=f"{incident.reference.kind}:{incident.reference.id}",
        environment=plan.environment,
        mapping=plan.mapping,
        pack=plan.pack,
        runbook=f"{plan.pack}/{plan.runbook.id}",
        service=plan.service,
        changes=plan.runbook.change is not None,
        mode=plan.mode,
        active_key=None if ended else f"{plan.mapping}|{dedupe}",
        incident=incident.model_dump(mode="json"),
        plan=plan.model_dump(mode="json"),
        plan_digest=plan.digest,
        stage=stage,
        outcome="suggested" if ended else "",
        wake_at=now() if stage == "ready" else None,
        tell_at=now() + GRACE if stage == "ready" else None,
        ended_at=now() if ended else None,
    )


@dataclass(frozen=True)
class _Told:
    """What is told of a remediation when it begins, and in whose words."""

    row: RemediationRow
    incident: Incident
    plan: Plan
    url: str
    notes: Notes

    def note(self, kind: str, built_in: Note, more: dict[str, Json] | None = None) -> Iterator[SQLModel]:
        told = {**variables(self.plan, self.incident, self.url), **(more or {})}
        composed = self.notes.compose(kind, self.incident.reference.connection, built_in, told)
        yield note(self.row.id, kind, self.incident.reference, composed.note)
        if composed.fault:
            yield entry(self.row.id, "template", composed.fault)


def _others(told: _Told, approvals: str, expires: float) -> Iterator[SQLModel]:
    """`approvals` is the address that takes answers."""
    row, plan = told.row, told.plan
    if plan.mode == "suggest":
        yield from told.note("suggestion", text.suggestion(f"{row.id}.suggestion", plan, told.url))
    if plan.mode == "approve":
        expiry = now() + timedelta(seconds=plan.asks.expires or expires)
        approval = ApprovalRow(
            id=new_id(),
            remediation_id=row.id,
            plan_digest=row.plan_digest,
            asks=plan.asks.model_dump(mode="json"),
            expires_at=expiry,
        )
        answer = f"{approvals}/{approval.id}/approve"
        asked = text.question(f"{row.id}.question", plan, row.plan_digest, told.url, answer)
        yield from told.note("question", asked, {"plan": row.plan_digest, "approve": answer})
        yield approval
