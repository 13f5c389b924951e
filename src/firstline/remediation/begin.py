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
from firstline.remediation.note import text
from firstline.remediation.note.template import Notes, variables
from firstline.remediation.plan import Plan
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
    told = _Told(remediation.id, incident, plan, url, notes or Notes())
    return Beginning(remediation=remediation, others=list(_others(told, expires)))


def question(
    remediation_id: str,
    incident: Incident,
    plan: Plan,
    *,
    url: str,
    expires: float,
    notes: Notes | None = None,
    ran: bool = False,
) -> Iterator[SQLModel]:
    """The rows that ask people about a plan of a remediation that is there already: the approval, and the note on the
    ticket. `ran`: it runs as an emergency, and is approved afterwards."""
    id_ = new_id()
    told = _Told(remediation_id, incident, plan, url, notes or Notes())
    yield from _asked(told, expires, id_, f"question.{id_}", ran=ran)


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
    stage = "ended" if plan.mode == "suggest" else "waiting" if plan.question else "ready"
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
    """What is told of a remediation, and in whose words. `hub` is the hub's own address."""

    id: str
    incident: Incident
    plan: Plan
    hub: str
    notes: Notes

    @property
    def url(self) -> str:
        return f"{self.hub}/remediations/{self.id}"

    def note(self, kind: str, key: str, built_in: Note, more: dict[str, Json] | None = None) -> Iterator[SQLModel]:
        told = {**variables(self.plan, self.incident, self.url), **(more or {})}
        composed = self.notes.compose(kind, self.incident.reference.connection, built_in, told)
        yield note(self.id, key, self.incident.reference, composed.note)
        if composed.fault:
            yield entry(self.id, "template", composed.fault)


def _others(told: _Told, expires: float) -> Iterator[SQLModel]:
    if told.plan.mode == "suggest":
        built_in = text.suggestion(f"{told.id}.suggestion", told.plan, told.url)
        yield from told.note("suggestion", "suggestion", built_in)
    if told.plan.question:
        yield from _asked(told, expires, new_id(), "question")


def _asked(told: _Told, expires: float, id_: str, key: str, *, ran: bool = False) -> Iterator[SQLModel]:
    plan, asked_at = told.plan, now()
    approval = ApprovalRow(
        id=id_,
        remediation_id=told.id,
        plan_digest=plan.digest,
        asks=plan.asks.model_dump(mode="json"),
        asked_at=asked_at,
        expires_at=asked_at + timedelta(seconds=plan.asks.expires or expires),
    )
    answer = f"{told.hub}/approvals/{id_}"
    built_in = text.question(f"{told.id}.{key}", plan, approval, told.url, answer, ran=ran)
    api = f"{told.hub}/api/v1/approvals/{id_}/approve"
    yield from told.note("question", key, built_in, {"plan": plan.digest, "approve": api, "answer": answer})
    yield approval
