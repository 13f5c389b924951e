"""Attaches an event to the remediation that has its fault in hand: its record is told of it, and of how it ended."""

from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa
from sqlmodel import SQLModel

from firstline.connector import Fact, Note, StateChange
from firstline.incident import Event
from firstline.remediation.begin import GRACE, note, write_back
from firstline.remediation.note.text import HEADLINES
from firstline.store.table import LINK, LinkRow, now

FAULT = "the same fault"  # `LinkRow.why`: what mends the one mends the other
STORM = "a storm"  # many at once, each its own fault: told of how the first one ended, never resolved by it


@dataclass(frozen=True)
class Active:
    """A remediation that has a fault in hand, or had until just now, and the record it began on."""

    id: str
    record: tuple[str, str]
    outcome: str = ""  # how it ended; empty: it has not


def record_of(event: Event) -> tuple[str, str]:
    """Connection, and kind and id, of the incident an event is about."""
    if event.incident is None:
        raise ValueError("an event without an incident is about no record")
    reference = event.incident.reference
    return reference.connection, f"{reference.kind}:{reference.id}"


def linked(connection: sa.Connection, records: set[tuple[str, str]]) -> set[tuple[str, tuple[str, str]]]:
    """Which of these records are attached to which remediation already."""
    if not records:
        return set()
    names, ids = {name for name, _ in records}, {record for _, record in records}
    query = sa.select(LINK.c.remediation_id, LINK.c.connection, LINK.c.record)
    query = query.where(LINK.c.connection.in_(names), LINK.c.record.in_(ids))
    return {(row.remediation_id, (row.connection, row.record)) for row in connection.execute(query)}


def attach(event: Event, to: Active, url: str, *, known: bool, resolve: bool) -> Iterator[SQLModel]:
    """The rows it leaves. `known`: the record is told already, because the remediation began on it or had it attached
    before. `resolve`: the record's own mapping lets a proved fix resolve it."""
    if event.incident is None:
        raise ValueError("an event without an incident is attached to nothing")
    reference, record = event.incident.reference, record_of(event)
    if known:
        return
    yield LinkRow(
        remediation_id=to.id,
        connection=record[0],
        record=record[1],
        reference=reference.model_dump(mode="json"),
        why=FAULT,
    )
    suffix, where = f"{record[0]}.{record[1]}", f"{url}/remediations/{to.id}"
    headline = (
        f"Firstline: the same fault: {HEADLINES[to.outcome]}" if to.outcome else "Firstline is at work on this fault"
    )
    told = Note(key=f"{to.id}.attached.{suffix}", headline=headline, facts=(Fact(label="More", value=where),))
    row = note(to.id, f"attached.{suffix}", reference, told)
    if not to.outcome:
        row.due_at = now() + GRACE
    yield row
    if to.outcome == "proved" and resolve:
        yield write_back(to.id, f"state.{suffix}", "state", reference, StateChange(to="resolved", reason=headline))


def attach_to_storm(event: Event, to: Active, why: str, url: str, *, known: bool) -> Iterator[SQLModel]:
    """The rows it leaves where it is one of many at once, and another one goes first."""
    if event.incident is None:
        raise ValueError("an event without an incident is attached to nothing")
    if known:
        return
    reference, (connection, record) = event.incident.reference, record_of(event)
    shown = reference.model_dump(mode="json")
    yield LinkRow(remediation_id=to.id, connection=connection, record=record, reference=shown, why=STORM)
    suffix = f"attached.{connection}.{record}"
    facts = (Fact(label="Why", value=why), Fact(label="The first", value=f"{url}/remediations/{to.id}"))
    headline = "Firstline runs nothing here: many came at once, and one of them goes first"
    row = note(to.id, suffix, reference, Note(key=f"{to.id}.{suffix}", headline=headline, facts=facts))
    row.due_at = now() + GRACE
    yield row
