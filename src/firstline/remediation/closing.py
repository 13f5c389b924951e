"""What becomes of the change when its remediation has ended: closed with its proof, canceled when nothing was done,
left open where nobody knows, followed where its approval comes afterwards."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from firstline.connector import ChangeDraft, ChangeState, Evidence
from firstline.connector import Value as Contract
from firstline.incident import Incident, Reference
from firstline.ledger.facet import bind
from firstline.remediation import text
from firstline.remediation.begin import write_back
from firstline.remediation.context import Context
from firstline.remediation.finding import Findings
from firstline.remediation.plan import Plan, draft
from firstline.remediation.timeline import tell
from firstline.store.database import insert
from firstline.store.table import REMEDIATION, RUN, WriteBackRow, now

UNDONE = ("not_needed", "stopped", "refused", "expired")  # ends that may come before anything was done


class ChangeMove(Contract):
    """Body of a write-back that moves a change."""

    to: ChangeState
    evidence: Evidence


class LateRecord(Contract):
    """Body of a write-back that records a change after the work: its register did not answer before."""

    draft: ChangeDraft
    evidence: Evidence


class Blame(Contract):
    """Body of a write-back that says on the incident which change made it worse."""

    change: Reference


def close(
    connection: sa.Connection, context: Context, row: Any, plan: Plan, findings: Findings, change: Reference | None
) -> None:
    """Leave what is to be written on the change."""
    if change is None:
        if row["change_late"] and _ran(connection, row["id"]):
            insert(connection, _late(connection, context, row, plan, findings))
        return
    if _follows(context, row, plan) and _ran(connection, row["id"]):
        due = now() + timedelta(seconds=context.changes.follow)
        values = {"stage": "following", "wake_at": due, "change_open": True}
        connection.execute(sa.update(REMEDIATION).where(REMEDIATION.c.id == row["id"]).values(**values))
        return
    insert(connection, *_on_change(connection, context, row, plan, findings, change))


def close_followed(connection: sa.Connection, context: Context, remediation_id: str) -> None:
    """Close a change whose approval was followed to its end."""
    row = connection.execute(sa.select(REMEDIATION).where(REMEDIATION.c.id == remediation_id)).mappings().one()
    plan, findings = Plan.model_validate(row["plan"]), Findings.model_validate(row["findings"] or {})
    change = Reference.model_validate(row["change"])
    insert(connection, *_on_change(connection, context, row, plan, findings, change))


def evidence(connection: sa.Connection, context: Context, row: Any, plan: Plan, findings: Findings) -> Evidence:
    """How it ended, with the proof."""
    runs = sa.select(sa.func.min(RUN.c.begun_at), sa.func.max(RUN.c.ended_at)).where(RUN.c.remediation_id == row["id"])
    start, end = connection.execute(runs).one()
    outcome, url = row["outcome"], f"{context.url}/remediations/{row['id']}"
    return Evidence(
        notes=text.closing(plan, outcome, findings, row["reason"], url),
        result="successful" if outcome == "proved" else "unsuccessful",
        work_start=start,
        work_end=end or now(),
    )


def _on_change(
    connection: sa.Connection, context: Context, row: Any, plan: Plan, findings: Findings, change: Reference
) -> Iterator[WriteBackRow]:
    """A change whose outcome is unknown stays open: only a person may close it."""
    id_, outcome = row["id"], row["outcome"]
    if outcome in UNDONE and not _ran(connection, id_):
        notes = f"{plan.runbook.title}: {text.HEADLINES[outcome]}. {row['reason']}".strip()
        canceled = ChangeMove(to="canceled", evidence=Evidence(notes=notes[:1000]))
        yield write_back(id_, "close", "change", change, canceled)
    if outcome in ("proved", "failed"):
        closed = ChangeMove(to="closed", evidence=evidence(connection, context, row, plan, findings))
        yield write_back(id_, "close", "change", change, closed)
    incident = Incident.model_validate(row["incident"]).reference
    if outcome == "failed" and made_worse(findings) and change.connection == incident.connection:
        yield write_back(id_, "blame", "blame", incident, Blame(change=change))


def recorded(connection: sa.Connection, remediation_id: str, change: Reference) -> None:
    """Note a change that was recorded late, for whoever looks."""
    values = {"change": change.model_dump(mode="json"), "change_record": change_record(change)}
    connection.execute(sa.update(REMEDIATION).where(REMEDIATION.c.id == remediation_id).values(**values))
    told = f"Recorded late: {change.label} in {change.connection}"
    tell(connection, remediation_id, "late", told, rows=bind(connection, "remediation.ended", remediation_id))


def made_worse(findings: Findings) -> bool:
    """Whether what was done could not be taken back: then our own run is what the incident now is about."""
    return any(not one.ok for one in findings.of("rollback"))


def _late(connection: sa.Connection, context: Context, row: Any, plan: Plan, findings: Findings) -> WriteBackRow:
    told = evidence(connection, context, row, plan, findings)
    key = change_key(row["id"], row["plan_digest"])
    made = draft(plan, Incident.model_validate(row["incident"]), key, tried=True)
    late = made.model_copy(update={"late": True, "planned_start": told.work_start, "planned_end": told.work_end})
    where = Reference(connection=plan.change_register, kind="change", id=key)
    return write_back(row["id"], "late", "late_record", where, LateRecord(draft=late, evidence=told))


def change_record(change: Reference) -> str:
    """By which an event of the change finds its remediation."""
    return f"{change.connection}:{change.kind}:{change.id}"


def change_key(remediation_id: str, plan_digest: str) -> str:
    """By which the register finds the change again (ServiceNow's correlation_id): another plan is another change."""
    return f"firstline-{remediation_id}-{plan_digest[:12]}"


def _follows(context: Context, row: Any, plan: Plan) -> bool:
    return plan.change_type == "emergency" and context.changes.emergency == "first" and row["outcome"] != "unknown"


def _ran(connection: sa.Connection, remediation_id: str) -> bool:
    """True when a step was begun: then a change can't be canceled as if nothing had been done."""
    begun = sa.select(RUN.c.id).where(RUN.c.remediation_id == remediation_id, RUN.c.phase == "step").limit(1)
    return connection.execute(begun).first() is not None
