"""The end of a remediation: what is to be told where, put in the outbox in the transaction that ends it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from firstline.connector import Attachments, Note, StateChange, Update
from firstline.connector import Value as Contract
from firstline.declaration import Json
from firstline.incident import Incident, Reference
from firstline.ledger.facet import bind
from firstline.remediation import after
from firstline.remediation.attach import STORM
from firstline.remediation.begin import note, write_back
from firstline.remediation.change import closing
from firstline.remediation.context import Context
from firstline.remediation.hold import switch
from firstline.remediation.note import text
from firstline.remediation.note.start import STATUS
from firstline.remediation.note.template import variables
from firstline.remediation.plan import Plan
from firstline.remediation.run.finding import Findings
from firstline.remediation.timeline import tell
from firstline.store import new_id
from firstline.store.database import insert
from firstline.store.table import LINK, REMEDIATION, WRITE_BACK, WriteBackRow, now


class LogAttachment(Contract):
    """Body of a write-back that attaches a remediation's log, which is read when it is sent: `remediation.log`."""

    key: str
    name: str
    remediation_id: str


@dataclass(frozen=True)
class _Ended:
    """A remediation that has ended, with all that is told of it."""

    row: Any
    plan: Plan
    incident: Incident
    findings: Findings
    change: Reference | None
    links: tuple[tuple[Reference, bool], ...]
    note: Note
    attaches: bool

    @property
    def why(self) -> str:
        begun = bool(self.findings.of("step"))
        said = text.headline(self.row["outcome"], changed=True, begun=begun)
        return f"{self.plan.runbook.title}: {said}. {self.row['reason']}".strip()[:1000]


def report(connection: sa.Connection, context: Context, remediation_id: str, turn: int) -> None:
    """End the remediation and leave its write-backs. Again, after a crash: nothing."""
    acted = (REMEDIATION.c.id == remediation_id, REMEDIATION.c.turn == turn, REMEDIATION.c.stage == "acted")
    row = connection.execute(sa.select(REMEDIATION).where(*acted).with_for_update()).mappings().first()
    if row is None:
        return
    gone = dict.fromkeys(("active_key", "owner", "wake_at", "tell_at", "holds"))
    connection.execute(sa.update(REMEDIATION).where(*acted).values(stage="ended", ended_at=now(), **gone))
    ended = _ended(connection, context, row)
    insert(connection, *_on_incident(ended))
    if ended.links:
        connection.execute(sa.insert(WRITE_BACK), list(_on_links(ended)))
    closing.close(connection, context, row, ended.plan, ended.findings, ended.change)
    after.settle(connection, context, row, ended.plan, ended.findings)
    switch.release(connection, row["id"])
    said = f"Ended: {text.HEADLINES[row['outcome']]}"
    tell(connection, row["id"], "ended", said, rows=bind(connection, "remediation.ended", row["id"]))


def _ended(connection: sa.Connection, context: Context, row: Any) -> _Ended:
    plan, incident = Plan.model_validate(row["plan"]), Incident.model_validate(row["incident"])
    findings = Findings.model_validate(row["findings"] or {})
    change = Reference.model_validate(row["change"]) if row["change"] else None
    connector = context.connections.get(incident.reference.connection)
    attaches = len(text.printed(findings)) > text.NOTE_OUTPUT and isinstance(connector, Attachments)
    log = f"{context.url}/api/v1/remediations/{row['id']}/log"
    ending = text.Ending(
        outcome=row["outcome"],
        findings=findings,
        reason=row["reason"],
        approved_by=row["approved_by"],
        change=_where(change, row["outcome"], findings),
        log=f"attached: {_log_name(row['id'])}" if attaches else log,
        url=_page(context, row["id"]),
    )
    said = _composed(connection, context, row["id"], plan, incident, ending)
    return _Ended(row, plan, incident, findings, change, _links(connection, row), said, attaches)


def _composed(
    connection: sa.Connection,
    context: Context,
    remediation_id: str,
    plan: Plan,
    incident: Incident,
    ending: text.Ending,
) -> Note:
    key = STATUS if plan.live_note else "outcome"
    told: dict[str, Json] = {
        **variables(plan, incident, ending.url),
        "outcome": ending.outcome,
        "reason": ending.reason,
        "approved_by": ending.approved_by,
        "change": ending.change,
        "log": ending.log,
        "findings": [found.model_dump(mode="json", exclude={"output"}) for found in ending.findings.outcomes],
    }
    built_in = text.outcome(f"{remediation_id}.{key}", plan, ending)
    composed = context.notes.compose("outcome", incident.reference.connection, built_in, told)
    if composed.fault:
        tell(connection, remediation_id, "template", composed.fault)
    return composed.note


def _on_incident(ended: _Ended) -> Iterator[WriteBackRow]:
    id_, reference = ended.row["id"], ended.incident.reference
    yield note(id_, "outcome", reference, ended.note)
    if ended.plan.runbook.note.public and ended.row["outcome"] == "proved":
        yield note(id_, "public", reference, text.customer(f"{id_}.public", ended.plan))
    if ended.attaches:
        log = LogAttachment(key=f"{id_}.log", name=_log_name(id_), remediation_id=id_)
        yield write_back(id_, "log", "attachment", reference, log)
    then = ended.plan.then.get(ended.row["outcome"])
    if then is not None and then.updates:
        update = Update(priority=then.priority, fields=then.fields, status=then.status)
        yield write_back(id_, "update", "update", reference, update)
    change = _change(ended)
    if change is not None:
        yield write_back(id_, "state", "state", reference, change)


def _on_links(ended: _Ended) -> Iterator[dict[str, Any]]:
    """Rows of the outbox: each record that was attached is told the same. A storm attaches thousands, so what they
    have in common is made once."""
    id_, own = ended.row["id"], ended.incident.reference
    told = [("outcome", note(id_, "", own, ended.note))]
    to = _state(ended.plan, ended.row["outcome"])
    if to:
        told.append(("state", write_back(id_, "", "state", own, StateChange(to=to, reason=ended.why))))
    alike = [(name, {column.name: getattr(row, column.name) for column in WRITE_BACK.columns}) for name, row in told]
    for reference, mended in ended.links:
        record, shown = f"{reference.kind}:{reference.id}", reference.model_dump(mode="json")
        for name, values in alike:
            if name == "state" and not mended:
                continue
            key = f"{id_}.{name}.{reference.connection}.{record}"
            body = values["body"] | ({"key": key} if name == "outcome" else {})
            changed = {"id": new_id(), "connection": reference.connection, "record": record, "key": key, "body": body}
            yield {**values, **changed, "reference": shown}


def _links(connection: sa.Connection, row: Any) -> tuple[tuple[Reference, bool], ...]:
    """The records that are told, and whether what mends the one mends them too: of a storm each is its own fault."""
    query = sa.select(LINK.c.reference, LINK.c.why).where(LINK.c.remediation_id == row["id"]).order_by(LINK.c.id)
    own = Incident.model_validate(row["incident"]).reference
    found = [(Reference.model_validate(one.reference), one.why != STORM) for one in connection.execute(query)]
    mine = (own.connection, own.kind, own.id)
    return tuple((one, mended) for one, mended in found if (one.connection, one.kind, one.id) != mine)


def _change(ended: _Ended) -> StateChange | None:
    """Where the incident goes: a proved fix resolves it, else the mapping may say who gets it."""
    outcome = ended.row["outcome"]
    to, then = _state(ended.plan, outcome), ended.plan.then.get(outcome)
    if then is not None and then.assign and to != "resolved":
        return StateChange(to="reassigned", assignee=then.assign, reason=ended.why)
    return StateChange(to=to, reason=ended.why) if to else None


def _state(plan: Plan, outcome: str) -> Literal["resolved", "escalated"] | None:
    if outcome == "proved":
        return "resolved" if plan.resolve else None
    if outcome in ("failed", "unknown", "stopped"):
        return "escalated" if plan.escalate else None
    return None


def _where(change: Reference | None, outcome: str, findings: Findings) -> str:
    if change is None:
        return ""
    stays = outcome == "unknown" or (outcome == "stopped" and findings.of("step"))
    return f"{change.label} in {change.connection}{', left open' if stays else ''}"


def _log_name(remediation_id: str) -> str:
    return f"firstline-{remediation_id}.txt"


def _page(context: Context, remediation_id: str) -> str:
    return f"{context.url}/remediations/{remediation_id}"
