"""What is known already of the records that new events are about: how they stood, and what we wrote on them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from firstline.incident import OPENED, Event, EventType, IncidentState
from firstline.store.table import INCIDENT, WRITE_BACK

ECHO = timedelta(minutes=5)  # how far the vendor's time of our write may be from ours

# The states we write, as the events that their echo brings.
_WRITTEN = {
    "incident.acknowledged": "acknowledged",
    "incident.resolved": "resolved",
    "incident.closed": "resolved",
    "incident.reopened": "reopened",
    "incident.escalated": "escalated",
}

ENDED = frozenset({IncidentState.RESOLVED, IncidentState.CLOSED})

Key = tuple[str, str]  # connection, and kind and id of a record


@dataclass(frozen=True)
class Seen:
    """How a record stood when it was last told of."""

    version: int
    state: IncidentState


@dataclass
class Known:
    seen: dict[Key, Seen] = field(default_factory=dict)  # before the next event
    newest: dict[Key, Seen] = field(default_factory=dict)  # with what later events of the batch tell
    written: dict[Key, list[Any]] = field(default_factory=dict)  # rows of fl_write_back that were tried

    def tell(self, events: Iterable[Event]) -> None:
        """These events were taken: the next ones come after them."""
        _told(self.seen, events)


def key_of(event: Event) -> Key | None:
    reference = event.reference or (event.incident and event.incident.reference)
    return (reference.connection, f"{reference.kind}:{reference.id}") if reference else None


def _told(seen: dict[Key, Seen], events: Iterable[Event]) -> None:
    for event in events:
        key = key_of(event)
        if key is None or event.incident is None:
            continue
        if key not in seen or seen[key].version <= event.incident.version:
            seen[key] = Seen(event.incident.version, event.incident.state)


def look(connection: sa.Connection, events: Sequence[Event]) -> Known:
    """Read it for a batch, a statement each."""
    keys = {key for event in events if (key := key_of(event))}
    if not keys:
        return Known()
    record = INCIDENT.c.kind + ":" + INCIDENT.c.record_id
    names = {key[0] for key in keys}
    kinds = {event.incident.reference.kind for event in events if event.incident}
    ids = {event.incident.reference.id for event in events if event.incident}
    views = sa.select(INCIDENT.c.connection, record.label("record"), INCIDENT.c.version, INCIDENT.c.state).where(
        INCIDENT.c.connection.in_(names), INCIDENT.c.kind.in_(kinds), INCIDENT.c.record_id.in_(ids)
    )
    known = Known()
    for row in connection.execute(views):
        known.seen[row.connection, row.record] = Seen(row.version, IncidentState(row.state))
    known.newest = dict(known.seen)
    _told(known.newest, events)
    mine = sa.select(
        WRITE_BACK.c.connection,
        WRITE_BACK.c.record,
        WRITE_BACK.c.act,
        WRITE_BACK.c.body,
        WRITE_BACK.c.done_at,
    ).where(
        WRITE_BACK.c.connection.in_(names),
        WRITE_BACK.c.record.in_({key[1] for key in keys}),
        # What was refused did not happen; a note may stand all the same.
        sa.or_(
            WRITE_BACK.c.act == "note",
            sa.and_(WRITE_BACK.c.act == "state", WRITE_BACK.c.state.in_(("sending", "pending", "done"))),
        ),
        WRITE_BACK.c.attempts > 0,
    )
    for one in connection.execute(mine):
        known.written.setdefault((one.connection, one.record), []).append(one)
    return known


def refined(event: Event, known: Known, *, polled: bool) -> Event:
    """The event with what only the hub can tell: whether it echoes our own write, and what a polled record's change
    was. A polled record names only who saved it last: a change of state that we did not write is somebody else's, also
    where we saved the record after it."""
    key = key_of(event)
    if key is None:
        return event
    written = known.written.get(key, ())
    if not polled or event.type != "incident.updated" or event.incident is None:
        return event if event.own else event.model_copy(update={"own": echoes(event, written)})
    before = known.seen.get(key)
    is_old = before is not None and before.version > event.incident.version  # then it tells no turn
    type_ = event.type if is_old else change(before.state if before else None, event.incident.state)
    event = event.model_copy(update={"type": type_})
    ours = event.own and (type_ == "incident.updated" or _wrote(type_, written))
    return event.model_copy(update={"own": ours or echoes(event, written)})


def _wrote(type_: EventType, written: Sequence[Any]) -> bool:
    """True when we ever wrote the state that this change came to."""
    return any(row.act == "state" and row.body["to"] == _WRITTEN.get(type_) for row in written)


def change(before: IncidentState | None, after: IncidentState) -> EventType:
    """What happened to a record between two looks. Never seen before: it was open."""
    before = before or IncidentState.OPEN
    if before == after:
        return "incident.updated"
    if after is IncidentState.RESOLVED:
        return "incident.resolved"
    if after is IncidentState.CLOSED:
        return "incident.closed"
    if before in ENDED:
        return "incident.reopened"
    return "incident.acknowledged" if after is IncidentState.ACKNOWLEDGED else "incident.updated"


def echoes(event: Event, written: Sequence[Any]) -> bool:
    """True when the event is our own write come back: it shows the key of a note of ours, or nobody is named as its
    actor and we wrote that very state just then. An opening is never an echo: we open no incidents."""
    if event.type == OPENED:
        return False
    if event.marker and any(row.act == "note" and row.body["key"] == event.marker for row in written):
        return True
    state = _WRITTEN.get(event.type)
    return not event.actor and any(
        row.act == "state" and row.body["to"] == state and _near(event.occurred_at, row.done_at) for row in written
    )


def _near(happened: datetime, done: datetime | None) -> bool:
    """A write that is still under way has no end yet: its echo may come before our own answer."""
    return done is None or abs(happened - done) <= ECHO
