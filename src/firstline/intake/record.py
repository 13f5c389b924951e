"""Writes down what a delivery told and what was decided, and begins remediations: all in one transaction."""

from typing import TYPE_CHECKING

import sqlalchemy as sa

from firstline.intake.decide import Decided
from firstline.remediation.begin import begin
from firstline.remediation.timeline import tell
from firstline.store import new_id
from firstline.store.database import insert
from firstline.store.table import DELIVERY, EVENT, INCIDENT, REMEDIATION, DecisionRow, EventRow, IncidentRow, now

if TYPE_CHECKING:
    from firstline.intake.dispatch import Read

TRACE = {"traces", "omitted", "passed_over", "shadowed"}


def record(connection: sa.Connection, read: "Read") -> int:
    """Settle one delivery; gives how many remediations it began. Already settled by another process: nothing."""
    state = "parked" if read.reason else "done"
    new = (DELIVERY.c.id == read.delivery_id, DELIVERY.c.state == "new")
    settled = sa.update(DELIVERY).where(*new).values(state=state, reason=read.reason[:2000])
    if connection.execute(settled).rowcount != 1:
        return 0
    return sum(_event(connection, read.delivery_id, decided) for decided in read.decided)


def _event(connection: sa.Connection, delivery_id: str, decided: Decided) -> int:
    event = decided.event
    same = sa.select(EVENT.c.id).where(EVENT.c.connection == decided.connection, EVENT.c.event_id == event.id)
    if connection.execute(same).first():
        return 0  # the same happening, delivered in another way
    row = EventRow(
        id=new_id(),
        connection=decided.connection,
        event_id=event.id,
        delivery_id=delivery_id,
        type=event.type,
        occurred_at=event.occurred_at,
        event=event.model_dump(mode="json", exclude={"data", "incident"}),
        own=event.own,
    )
    insert(connection, row)
    _view(connection, decided)
    if decided.decision is None and not decided.reason:
        return 0
    return _decision(connection, row.id, decided)


def _view(connection: sa.Connection, decided: Decided) -> None:
    """Keep the newest view of the incident: a late event does not overwrite a newer one."""
    incident = decided.event.incident
    if incident is None:
        return
    reference = incident.reference
    same = (
        INCIDENT.c.connection == reference.connection,
        INCIDENT.c.kind == reference.kind,
        INCIDENT.c.record_id == reference.id,
    )
    view = incident.model_dump(mode="json")
    known = connection.execute(sa.select(INCIDENT.c.version).where(*same)).scalar()
    if known is None:
        row = IncidentRow(
            connection=reference.connection,
            kind=reference.kind,
            record_id=reference.id,
            version=incident.version,
            incident=view,
        )
        insert(connection, row)
    elif known <= incident.version:
        values = {"version": incident.version, "incident": view, "updated_at": now()}
        connection.execute(sa.update(INCIDENT).where(*same).values(**values))


def _decision(connection: sa.Connection, event_row: str, decided: Decided) -> int:
    decision, began = decided.decision, 0
    outcome: str = "error" if decided.reason or decision is None else decision.outcome
    remediation_id = None
    if decided.plan is not None and decision is not None:
        remediation_id, began = _remediation(connection, event_row, decided, decision.dedupe)
        outcome = "matched" if began else "attached"
    insert(
        connection,
        DecisionRow(
            event_id=event_row,
            outcome=outcome,
            mapping=decision.mapping if decision else "",
            runbook=decision.runbook if decision else "",
            mode=decision.mode if decision else "",
            dedupe=decision.dedupe if decision else "",
            reason=decided.reason or (decision.reason if decision else ""),
            trace=decision.model_dump(mode="json", include=TRACE) if decision else None,
            remediation_id=remediation_id,
        ),
    )
    return began


def _remediation(connection: sa.Connection, event_row: str, decided: Decided, dedupe: str) -> tuple[str, int]:
    """Begin one, or attach the event to the one that is active for the mapping and dedupe key."""
    plan = decided.plan
    if plan is None:
        raise ValueError("no plan, no remediation")
    active = sa.select(REMEDIATION.c.id).where(REMEDIATION.c.active_key == f"{plan.mapping}|{dedupe}")
    found = connection.execute(active).scalar()
    if found:
        tell(
            connection,
            found,
            "attached",
            f"{decided.event.reference and decided.event.reference.label} attached: same fault",
        )
        return str(found), 0
    beginning = begin(decided.event, event_row, plan, dedupe, url=decided.url, expires=decided.expires)
    insert(connection, beginning.remediation, *beginning.others)
    return beginning.remediation.id, 1
