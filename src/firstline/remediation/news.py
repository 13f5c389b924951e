"""What events tell of remediations that are under way or over: their change was decided, their incident is mended, or
came back."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from firstline.incident import Event, IncidentState, Reference
from firstline.remediation.approval import void
from firstline.remediation.autonomy import mode
from firstline.remediation.change.closing import change_record
from firstline.remediation.plan import Plan
from firstline.remediation.timeline import tell
from firstline.store.table import REMEDIATION, now

OVER = (IncidentState.RESOLVED, IncidentState.CLOSED)
RESOLVED = "the incident is resolved by now"
REOPENED = timedelta(hours=24)  # how long after a proof an incident that comes back counts against it


def take(connection: sa.Connection, events: Iterable[Event]) -> int:
    """Act on what is told; gives how many remediations have something to do now."""
    events = [event for event in events if not event.own]
    changed = [event.reference for event in events if event.type == "change.updated" and event.reference is not None]
    _reopened(connection, [event for event in events if event.type == "incident.reopened"])
    over = [event.incident.reference for event in events if event.incident and event.incident.state in OVER]
    return _wake(connection, {change_record(reference) for reference in changed}) + _over(connection, over)


def _wake(connection: sa.Connection, records: set[str]) -> int:
    if not records:
        return 0
    waits = (REMEDIATION.c.change_record.in_(records), REMEDIATION.c.stage.in_(("opened", "following")))
    due = sa.update(REMEDIATION).where(*waits, REMEDIATION.c.owner.is_(None)).values(wake_at=now())
    return connection.execute(due).rowcount


def _over(connection: sa.Connection, incidents: list[Reference]) -> int:
    """Their fault is gone: nobody need answer any more, and what is held looks for itself."""
    if not incidents:
        return 0
    names = {reference.connection for reference in incidents}
    records = {f"{reference.kind}:{reference.id}" for reference in incidents}
    theirs = (REMEDIATION.c.connection.in_(names), REMEDIATION.c.record.in_(records), REMEDIATION.c.owner.is_(None))
    due = sa.update(REMEDIATION).where(*theirs, REMEDIATION.c.stage.in_(("ready", "opened"))).values(wake_at=now())
    woken = connection.execute(due).rowcount
    gone = {"stage": "acted", "outcome": "not_needed", "reason": RESOLVED, "wake_at": now(), "tell_at": None}
    asked = sa.update(REMEDIATION).where(*theirs, REMEDIATION.c.stage == "waiting").values(**gone)
    ended = connection.execute(asked.returning(REMEDIATION.c.id)).scalars().all()
    for remediation_id in ended:
        void(connection, remediation_id, RESOLVED)
        tell(connection, remediation_id, "not_needed", RESOLVED)
    return woken + len(ended)


def _reopened(connection: sa.Connection, events: list[Event]) -> None:
    for event in events:
        if event.incident is None:
            continue
        reference = event.incident.reference
        proved = (
            REMEDIATION.c.connection == reference.connection,
            REMEDIATION.c.record == f"{reference.kind}:{reference.id}",
            REMEDIATION.c.outcome == "proved",
            REMEDIATION.c.ended_at > now() - REOPENED,
            REMEDIATION.c.reopened_at.is_(None),
        )
        for row in connection.execute(sa.select(REMEDIATION).where(*proved).with_for_update()).mappings().all():
            _count(connection, row, reference.label)


def _count(connection: sa.Connection, row: Any, label: str) -> None:
    connection.execute(sa.update(REMEDIATION).where(REMEDIATION.c.id == row["id"]).values(reopened_at=now()))
    why = f"{label} was reopened after it was proved to be mended"
    tell(connection, row["id"], "reopened", why)
    plan = Plan.model_validate(row["plan"])
    if plan.runbook.change is not None:
        mode.demote(
            connection, (plan.mapping, plan.environment), plan.mode, plan.declared, why, {"remediation": row["id"]}
        )
