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
from firstline.remediation.begin import write_back
from firstline.remediation.context import Context
from firstline.remediation.note import text
from firstline.remediation.plan import Plan, draft
from firstline.remediation.run.finding import Findings
from firstline.remediation.timeline import tell
from firstline.store.database import insert
from firstline.store.table import REMEDIATION, RUN, WRITE_BACK, WriteBackRow, now

CANCEL = "cancel."
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
        if row["change_late"] and has_run(connection, row["id"]):
            insert(connection, _late(connection, context, row, plan, findings))
        return
    if _follows(context, plan) and has_run(connection, row["id"]):
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
    """How it ended, with the proof. The work begins with the first step: what only looked may have done so before
    anybody approved."""
    began = sa.func.min(RUN.c.begun_at).filter(RUN.c.phase == "step")
    runs = sa.select(began, sa.func.max(RUN.c.ended_at)).where(RUN.c.remediation_id == row["id"])
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
    """One whose outcome is unknown, or that was stopped half-way, stays open: only a person may close it."""
    id_, outcome = row["id"], row["outcome"]
    if outcome in UNDONE and not has_run(connection, id_):
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
    key = change_key(row["id"], row["plan_digest"], canceled(connection, row["id"]))
    made = draft(plan, Incident.model_validate(row["incident"]), key, tried=True)
    late = made.model_copy(update={"late": True, "planned_start": told.work_start, "planned_end": told.work_end})
    where = Reference(connection=plan.change_register, kind="change", id=key)
    return write_back(row["id"], "late", "late_record", where, LateRecord(draft=late, evidence=told))


def change_record(change: Reference) -> str:
    """By which an event of the change finds its remediation."""
    return f"{change.connection}:{change.kind}:{change.id}"


def change_key(remediation_id: str, plan_digest: str, before: int = 0) -> str:
    """By which the register finds the change again (ServiceNow's correlation_id): another plan is another change, and
    so is the same plan after its change was canceled. `before`: how many were."""
    return f"firstline-{remediation_id}-{plan_digest[:12]}{f'-{before}' if before else ''}"


def cancel(remediation_id: str, change: Reference, why: str) -> WriteBackRow:
    """Take back a change under which nothing was run, while its remediation goes on without it."""
    move = ChangeMove(to="canceled", evidence=Evidence(notes=f"Nothing was run: {why}"[:1000]))
    return write_back(remediation_id, f"{CANCEL}{change.id}", "change", change, move)


def canceled(connection: sa.Connection, remediation_id: str) -> int:
    """How many of a remediation's changes were taken back so."""
    keys = WRITE_BACK.c.key.startswith(f"{remediation_id}.{CANCEL}", autoescape=True)
    query = sa.select(sa.func.count()).where(WRITE_BACK.c.remediation_id == remediation_id, keys)
    return connection.scalar(query) or 0


def _follows(context: Context, plan: Plan) -> bool:
    return plan.change_type == "emergency" and context.changes.emergency == "first"


def has_run(connection: sa.Connection, remediation_id: str) -> bool:
    """True when a step was begun: then a change can't be canceled as if nothing had been done."""
    begun = sa.select(RUN.c.id).where(RUN.c.remediation_id == remediation_id, RUN.c.phase == "step").limit(1)
    return connection.execute(begun).first() is not None
