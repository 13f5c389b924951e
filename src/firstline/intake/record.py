"""Writes down what deliveries told and what was decided, and begins remediations: a whole batch in one transaction, a
statement for each table, because a storm costs what a row costs."""

from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlmodel import SQLModel

from firstline.intake.decide import Decided
from firstline.remediation.begin import begin
from firstline.store import new_id
from firstline.store.database import insert, upsert_newer
from firstline.store.table import DELIVERY, EVENT, INCIDENT, REMEDIATION, DecisionRow, EventRow, TimelineRow, now

TRACE = {"traces", "omitted", "passed_over", "shadowed"}


@dataclass
class Read:
    """A delivery, read: what it tells and what was decided, or why it is of no use."""

    delivery_id: str
    reason: str = ""
    decided: list[Decided] = field(default_factory=list)


def record(connection: sa.Connection, reads: list[Read]) -> int:
    """Settle deliveries; gives how many remediations began. What another process has settled is left alone."""
    reads = _still_new(connection, reads)
    fresh = _fresh(connection, reads)
    batch = _Batch(connection, fresh)
    for delivery_id, decided in fresh:
        batch.add(delivery_id, decided)
    upsert_newer(connection, INCIDENT, batch.views, ["connection", "kind", "record_id"], "version")
    insert(connection, *batch.rows)
    return batch.began


def _still_new(connection: sa.Connection, reads: list[Read]) -> list[Read]:
    """Those that are not settled yet, settled now."""
    ids = [read.delivery_id for read in reads]
    new = sa.select(DELIVERY.c.id).where(DELIVERY.c.id.in_(ids), DELIVERY.c.state == "new").with_for_update()
    still = set(connection.execute(new).scalars())
    reads = [read for read in reads if read.delivery_id in still]
    done = [read.delivery_id for read in reads if not read.reason]
    connection.execute(sa.update(DELIVERY).where(DELIVERY.c.id.in_(done)).values(state="done"))
    for read in reads:
        if read.reason:
            parked = sa.update(DELIVERY).where(DELIVERY.c.id == read.delivery_id)
            connection.execute(parked.values(state="parked", reason=read.reason[:2000]))
    return reads


def _fresh(connection: sa.Connection, reads: list[Read]) -> list[tuple[str, Decided]]:
    """The events that were not told before, each once: the same happening may come in several ways."""
    told = [(read.delivery_id, decided) for read in reads for decided in read.decided]
    ids = {decided.event.id for _, decided in told}
    known = sa.select(EVENT.c.connection, EVENT.c.event_id).where(EVENT.c.event_id.in_(ids))
    seen = {(row.connection, row.event_id) for row in connection.execute(known)} if ids else set()
    fresh = []
    for delivery_id, decided in told:
        key = (decided.connection, decided.event.id)
        if key not in seen:
            seen.add(key)
            fresh.append((delivery_id, decided))
    return fresh


class _Batch:
    """The rows to write for a batch of fresh events."""

    def __init__(self, connection: sa.Connection, fresh: list[tuple[str, Decided]]) -> None:
        self.rows: list[SQLModel] = []
        self.views: list[dict[str, Any]] = []
        self.began = 0
        keys = [_key(decided) for _, decided in fresh if decided.plan is not None]
        active = (
            sa.select(REMEDIATION.c.active_key, REMEDIATION.c.id)
            .where(REMEDIATION.c.active_key.in_(keys))
            .with_for_update()
        )
        self._active = {row.active_key: row.id for row in connection.execute(active)} if keys else {}

    def add(self, delivery_id: str, decided: Decided) -> None:
        event = decided.event
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
        self.rows.append(row)
        self._view(decided)
        if decided.decision is not None or decided.reason:
            self._decision(row.id, decided)

    def _view(self, decided: Decided) -> None:
        incident = decided.event.incident
        if incident is None:
            return
        view = {
            "connection": incident.reference.connection,
            "kind": incident.reference.kind,
            "record_id": incident.reference.id,
            "version": incident.version,
            "incident": incident.model_dump(mode="json"),
            "updated_at": now(),
        }
        self.views.append(view)

    def _decision(self, event_row: str, decided: Decided) -> None:
        decision = decided.decision
        outcome: str = "error" if decided.reason or decision is None else decision.outcome
        remediation_id, attached = self._remediation(event_row, decided)
        row = DecisionRow(
            event_id=event_row,
            outcome="attached" if attached else outcome,
            mapping=decision.mapping if decision else "",
            runbook=decision.runbook if decision else "",
            mode=decision.mode if decision else "",
            dedupe=decision.dedupe if decision else "",
            reason=decided.reason or (decision.reason if decision else ""),
            trace=decision.model_dump(mode="json", include=TRACE) if decision else None,
            remediation_id=remediation_id,
        )
        self.rows.append(row)

    def _remediation(self, event_row: str, decided: Decided) -> tuple[str | None, bool]:
        """Begin one, or attach the event to the one that is active for its mapping and dedupe key."""
        plan, decision = decided.plan, decided.decision
        if plan is None or decision is None:
            return None, False
        active = self._active.get(_key(decided))
        if active:
            label = decided.event.reference.label if decided.event.reference else decided.event.id
            self.rows.append(
                TimelineRow(remediation_id=active, act="attached", text=f"{label} attached: the same fault")
            )
            return active, True
        beginning = begin(decided.event, event_row, plan, decision.dedupe, url=decided.url, expires=decided.expires)
        self.rows += [beginning.remediation, *beginning.others]
        if beginning.remediation.active_key:
            self._active[beginning.remediation.active_key] = beginning.remediation.id
        self.began += 1
        return beginning.remediation.id, False


def _key(decided: Decided) -> str:
    if decided.plan is None or decided.decision is None:
        raise ValueError("only what has a plan has a key")
    return f"{decided.plan.mapping}|{decided.decision.dedupe}"
