"""Writes down what deliveries told and what was decided, and begins remediations: a whole batch in one transaction, a
statement for each table, because a storm costs what a row costs."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlmodel import SQLModel

from firstline.guard.settings import Often
from firstline.incident import OPENED, Incident
from firstline.intake.decide import Decided
from firstline.ledger import entry
from firstline.ledger.facet import bind, bind_new
from firstline.remediation import approval, fault, loop, news
from firstline.remediation.attach import FAULT, Active, attach, attach_to_storm, linked, record_of
from firstline.remediation.begin import begin
from firstline.remediation.hold.storm import Storms
from firstline.remediation.notification.notify import Asking
from firstline.remediation.plan import Plan
from firstline.store import new_id
from firstline.store.database import insert, upsert_newer
from firstline.store.table import (
    DELIVERY,
    EVENT,
    INCIDENT,
    REMEDIATION,
    ApprovalRow,
    DecisionRow,
    EventRow,
    RemediationRow,
    now,
)

TRACE = {"traces", "omitted", "passed_over", "shadowed"}


@dataclass(frozen=True)
class Course:
    """How a matched event goes on, where the decision alone does not say it."""

    outcome: str = ""
    reason: str = ""
    remediation_id: str | None = None
    began: RemediationRow | None = None


@dataclass(frozen=True)
class _Told:
    """A decision, and what stands beside it in the ledger."""

    event: EventRow
    decision: DecisionRow
    began: RemediationRow | None
    text: str


@dataclass
class Read:
    """A delivery, read: what it tells and what was decided, or why it is of no use."""

    delivery_id: str
    reason: str = ""
    polled: bool = False
    decided: list[Decided] = field(default_factory=list)


def record(connection: sa.Connection, reads: list[Read], storm: Often | None = None) -> int:
    """Settle deliveries; gives how many remediations began, or have something to do now.

    What another process has settled is left alone. `storm`: how many at once are one (`guards.storm`)."""
    reads = _still_new(connection, reads)
    fresh = _fresh(connection, reads)
    batch = _Batch(connection, fresh, storm)
    for read, decided in fresh:
        batch.add(read, decided)
    # Also of events that are known: the same happening may have come first in a shape that tells less.
    views = [_view(decided.event.incident) for read in reads for decided in read.decided if decided.event.incident]
    upsert_newer(connection, INCIDENT, views, ["connection", "kind", "record_id"], "version")
    insert(connection, *batch.rows)
    insert(connection, *batch.told(connection))
    fault.claim(connection, batch.faults)
    return batch.began + news.take(connection, [decided.event for _, decided in fresh])


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


def _fresh(connection: sa.Connection, reads: list[Read]) -> list[tuple[Read, Decided]]:
    """The events that were not told before, each once: the same happening may come in several ways."""
    told = [(read, decided) for read in reads for decided in read.decided]
    ids = {decided.event.id for _, decided in told}
    names = {decided.connection for _, decided in told}
    known = sa.select(EVENT.c.connection, EVENT.c.event_id)
    known = known.where(EVENT.c.connection.in_(names), EVENT.c.event_id.in_(ids))
    seen = {(row.connection, row.event_id) for row in connection.execute(known)} if ids else set()
    fresh = []
    for read, decided in told:
        key = (decided.connection, decided.event.id)
        if key not in seen:
            seen.add(key)
            fresh.append((read, decided))
    return fresh


def _view(incident: Incident) -> dict[str, Any]:
    return {
        "connection": incident.reference.connection,
        "kind": incident.reference.kind,
        "record_id": incident.reference.id,
        "version": incident.version,
        "state": incident.state.value,
        "incident": incident.model_dump(mode="json"),
        "updated_at": now(),
    }


class _Batch:
    """The rows to write for a batch of fresh events."""

    def __init__(
        self, connection: sa.Connection, fresh: list[tuple[Read, Decided]], storm: Often | None = None
    ) -> None:
        self.rows: list[SQLModel] = []
        self._told: list[_Told] = []
        self._askings: list[Asking] = []
        self.faults: dict[str, str] = {}
        self.began = 0
        due = [decided for _, decided in fresh if decided.plan is not None]
        self._active = _active(connection, [_key(decided) for decided in due])
        self._holders = fault.known(connection, [name for decided in due for name in decided.faults])
        records = {record_of(decided.event) for decided in due}
        self._begun = loop.begun(connection, records)
        self._linked = linked(connection, records)
        self._storms = Storms(connection, [decided.plan for decided in due if decided.plan is not None], storm)

    def add(self, read: Read, decided: Decided) -> None:
        event = decided.event
        row = EventRow(
            id=new_id(),
            connection=decided.connection,
            event_id=event.id,
            delivery_id=read.delivery_id,
            type=event.type,
            occurred_at=event.occurred_at,
            event=event.model_dump(mode="json", exclude={"data", "incident"}),
            own=event.own,
            polled=read.polled,
            late=decided.late,
        )
        self.rows.append(row)
        if decided.decision is not None or decided.reason:
            self._decision(row, decided)

    def told(self, connection: sa.Connection) -> Iterator[SQLModel]:
        """The ledger's entries of this batch: each decision, bound to all that it came from and led to; and who is told
        of a question."""
        received = bind(connection, "delivery", *{told.event.delivery_id for told in self._told})
        for told in self._told:
            delivery = f"delivery/{told.event.delivery_id}"
            rows = {
                delivery: received[delivery],
                **bind_new(connection, "event", [told.event]),
                **bind_new(connection, "decision", [told.decision]),
            }
            if told.began is not None:
                rows |= bind_new(connection, "remediation.begun", [told.began])
                rows |= bind_new(connection, "remediation.plan", [told.began])
                if told.began.ended_at is not None:
                    rows |= bind_new(connection, "remediation.ended", [told.began])
            subject = told.decision.remediation_id or f"event:{told.event.id}"
            yield entry(subject, told.decision.outcome, told.text, rows=rows)
        yield from approval.asked(connection, self._askings)

    def _decision(self, event: EventRow, decided: Decided) -> None:
        event_row = event.id
        decision = decided.decision
        outcome: str = "error" if decided.reason or decision is None else decision.outcome
        course = self._course(event_row, decided)
        row = DecisionRow(
            event_id=event_row,
            outcome=course.outcome or outcome,
            mapping=decision.mapping if decision else "",
            runbook=decision.runbook if decision else "",
            mode=decision.mode if decision else "",
            dedupe=decision.dedupe if decision else "",
            reason=decided.reason or course.reason or (decision.reason if decision else ""),
            trace=decision.model_dump(mode="json", include=TRACE) if decision else None,
            remediation_id=course.remediation_id,
        )
        self.rows.append(row)
        self._told.append(_Told(event, row, course.began, _said(decided, row)))

    def _course(self, event_row: str, decided: Decided) -> Course:
        """Begin a remediation, or attach the event to the one that has the fault in hand, or hold it."""
        plan, decision = decided.plan, decided.decision
        if plan is None or decision is None:
            return Course()
        record = record_of(decided.event)
        active = self._active.get(_key(decided))
        if active is None:
            opened = decided.event.type == OPENED
            held = fault.holder(self._holders, decided.faults, record, opened=opened)
            active = _holding(held) if held else None
        if active:
            known = (active.id, record) in self._linked or record == active.record
            self.rows += attach(decided.event, active, decided.url, known=known, resolve=plan.resolve)
            self._linked.add((active.id, record))
            self.faults |= dict.fromkeys(decided.faults, active.id)
            return Course("attached", remediation_id=active.id)
        if self._begun[record] >= loop.LIMIT:
            return Course("held", reason=loop.WHY)
        first = self._storms.parent(plan)
        if first:
            return self._join(decided, *first)
        return self._begin(event_row, decided, plan, decision.dedupe)

    def _join(self, decided: Decided, first: Active, why: str) -> Course:
        """It is one of many at once. Its fault stays its own: after the storm it may begin what mends it."""
        record = record_of(decided.event)
        known = (first.id, record) in self._linked or record == first.record
        self.rows += attach_to_storm(decided.event, first, why, decided.url, known=known)
        self._linked.add((first.id, record))
        return Course("attached", reason=why, remediation_id=first.id)

    def _begin(self, event_row: str, decided: Decided, plan: Plan, dedupe: str) -> Course:
        url, expires, notes = decided.url, decided.expires, decided.notes
        beginning = begin(decided.event, event_row, plan, dedupe, url=url, expires=expires, notes=notes)
        row = beginning.remediation
        self.rows += [row, *beginning.others]
        if decided.event.incident is not None:
            asks = [each for each in beginning.others if isinstance(each, ApprovalRow)]
            self._askings += [Asking(each, plan, decided.event.incident, event_row) for each in asks]
        record = record_of(decided.event)
        if row.active_key:
            self._active[row.active_key] = Active(row.id, record)
            self.faults |= dict.fromkeys(decided.faults, row.id)
            for name in decided.faults:
                self._holders[name] = row
        self._storms.add(row)
        self._begun[record] += 1
        self.began += 1
        return Course(remediation_id=row.id, began=row)


def _said(decided: Decided, row: DecisionRow) -> str:
    """A decision in a line."""
    label = decided.event.incident.reference.label if decided.event.incident else decided.event.id
    if row.outcome == "matched" and decided.plan is not None:
        return f"{label} matched {row.mapping}: {decided.plan.named} in mode {row.mode}"
    if row.outcome == "attached":
        return f"{label} attached: {row.reason or FAULT}"
    return f"{label}: {row.reason or row.outcome}"


def _active(connection: sa.Connection, keys: list[str]) -> dict[str, Active]:
    """The remediations that are active for these keys; they do not end before this transaction does."""
    if not keys:
        return {}
    query = (
        sa.select(REMEDIATION.c.active_key, REMEDIATION.c.id, REMEDIATION.c.connection, REMEDIATION.c.record)
        .where(REMEDIATION.c.active_key.in_(keys))
        .with_for_update()
    )
    return {row.active_key: Active(row.id, (row.connection, row.record)) for row in connection.execute(query)}


def _holding(row: Any) -> Active:
    return Active(row.id, (row.connection, row.record), row.outcome if row.ended_at else "")


def _key(decided: Decided) -> str:
    if decided.plan is None or decided.decision is None:
        raise ValueError("only what has a plan has a key")
    return f"{decided.plan.mapping}|{decided.decision.dedupe}"
