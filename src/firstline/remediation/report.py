"""The end of a remediation: what is to be told where, put in the outbox in the transaction that ends it."""

from collections.abc import Iterator
from typing import Any, Literal

import sqlalchemy as sa

from firstline.connector import ChangeState, Evidence, StateChange
from firstline.connector import Value as Contract
from firstline.incident import Incident, Reference
from firstline.remediation import text
from firstline.remediation.begin import note, write_back
from firstline.remediation.finding import Findings
from firstline.remediation.plan import Plan
from firstline.remediation.timeline import tell
from firstline.store.database import insert
from firstline.store.table import REMEDIATION, RUN, WriteBackRow, now


class ChangeMove(Contract):
    """Body of a write-back that moves a change."""

    to: ChangeState
    evidence: Evidence


def report(connection: sa.Connection, remediation_id: str, turn: int, url: str) -> None:
    """End the remediation and leave its write-backs. Again, after a crash: nothing."""
    acted = (REMEDIATION.c.id == remediation_id, REMEDIATION.c.turn == turn, REMEDIATION.c.stage == "acted")
    row = connection.execute(sa.select(REMEDIATION).where(*acted).with_for_update()).mappings().first()
    if row is None:
        return
    plan, incident = Plan.model_validate(row["plan"]), Incident.model_validate(row["incident"])
    findings = Findings.model_validate(row["findings"] or {})
    values = {"stage": "ended", "active_key": None, "owner": None, "wake_at": None, "ended_at": now()}
    connection.execute(sa.update(REMEDIATION).where(*acted).values(**values))
    where = f"{url}/remediations/{row['id']}"
    insert(connection, *_writes(connection, row, plan, incident, findings, where))
    tell(connection, row["id"], "ended", f"Ended: {text.HEADLINES[row['outcome']]}")


def _writes(
    connection: sa.Connection, row: Any, plan: Plan, incident: Incident, findings: Findings, where: str
) -> Iterator[WriteBackRow]:
    change = Reference.model_validate(row["change"]) if row["change"] else None
    said = text.outcome(
        f"{row['id']}.outcome",
        plan,
        row["outcome"],
        findings,
        reason=row["reason"],
        by=row["approved_by"],
        change=change.label if change else "",
        url=where,
    )
    yield note(row["id"], "outcome", incident.reference, said)
    to = _state(plan, row["outcome"])
    if to:
        yield write_back(row["id"], "state", "state", incident.reference, StateChange(to=to, reason=_why(plan, row)))
    if change is not None and row["outcome"] in ("not_needed", "stopped") and not _ran(connection, row["id"]):
        canceled = ChangeMove(to="canceled", evidence=Evidence(notes=_why(plan, row)))
        yield write_back(row["id"], "close", "change", change, canceled)
    if change is not None and row["outcome"] in ("proved", "failed"):
        yield write_back(row["id"], "close", "change", change, _closing(connection, row, plan, findings, where))


def _ran(connection: sa.Connection, remediation_id: str) -> bool:
    """True when a step was begun: then a change can't be canceled as if nothing had been done."""
    begun = sa.select(RUN.c.id).where(RUN.c.remediation_id == remediation_id, RUN.c.phase == "step").limit(1)
    return connection.execute(begun).first() is not None


def _state(plan: Plan, outcome: str) -> Literal["resolved", "escalated"] | None:
    if outcome == "proved":
        return "resolved" if plan.resolve else None
    if outcome in ("failed", "unknown", "stopped"):
        return "escalated" if plan.escalate else None
    return None


def _why(plan: Plan, row: Any) -> str:
    return f"{plan.runbook.title}: {text.HEADLINES[row['outcome']]}. {row['reason']}".strip()[:1000]


def _closing(connection: sa.Connection, row: Any, plan: Plan, findings: Findings, where: str) -> ChangeMove:
    """A change whose outcome is unknown stays open: only a person may close it."""
    runs = sa.select(sa.func.min(RUN.c.begun_at), sa.func.max(RUN.c.ended_at)).where(RUN.c.remediation_id == row["id"])
    start, end = connection.execute(runs).one()
    evidence = Evidence(
        notes=text.closing(plan, row["outcome"], findings, row["reason"], where),
        result="successful" if row["outcome"] == "proved" else "unsuccessful",
        work_start=start,
        work_end=end or now(),
    )
    return ChangeMove(to="closed", evidence=evidence)
