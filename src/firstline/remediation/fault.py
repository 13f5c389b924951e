"""The same fault in several records: found by its names, mended once.

A fault is named by each record that stands for it (system and id), by the links that the vendors' own integrations put
in records, and by what a mapping's `correlate` gives. A name belongs to the last remediation that had it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from firstline.connector import Connector
from firstline.incident import Incident
from firstline.store.database import insert_or
from firstline.store.table import FAULT, REMEDIATION, now

TWIN = timedelta(hours=1)  # how long after its end a remediation still stands for a linked record that comes late

SAME = "="  # begins the names that `correlate` gives


def names(
    incident: Incident, connectors: Mapping[str, Connector[Any] | type[Connector[Any]]], correlate: str
) -> tuple[str, ...]:
    """Every name of the incident's fault. What people call a record, and an id that only counts, name it only where one
    connection is of its system: two instances count from the same number."""
    systems = [connector.name for connector in connectors.values()]
    reference = incident.reference
    system = connectors[reference.connection].name
    links = [(link.system, link.id, link.number) for link in incident.links]
    found = [(system, reference.id, reference.number), *links]
    known = {f"{name}:{id_}" for name, id_, _ in found if id_ and not (id_.isdecimal() and systems.count(name) > 1)}
    known |= {f"{name}:{number}" for name, _, number in found if number and systems.count(name) <= 1}
    if correlate:
        known.add(f"{SAME}{correlate}")
    return tuple(sorted(known))


def holder(rows: Mapping[str, Any], keys: Iterable[str], record: tuple[str, str], *, opened: bool) -> Any | None:
    """The remediation that has the fault in hand already, of those that have one of its names; None: nobody.

    `rows`: by name, with remediation id, connection, record and end. One of the same record is none: there the mapping
    and its `dedupe` decide. One that has ended stands only for a linked record that was opened late."""
    for key in keys:
        row = rows.get(key)
        if row is None or (row.connection, row.record) == record:
            continue
        recent = row.ended_at is not None and now() - row.ended_at <= TWIN
        if row.ended_at is None or (opened and recent and not key.startswith(SAME)):
            return row
    return None


def known(connection: sa.Connection, keys: Sequence[str]) -> dict[str, Any]:
    """Who has these names."""
    if not keys:
        return {}
    query = (
        sa.select(
            FAULT.c.key,
            REMEDIATION.c.id,
            REMEDIATION.c.connection,
            REMEDIATION.c.record,
            REMEDIATION.c.ended_at,
            REMEDIATION.c.outcome,
        )
        .join(REMEDIATION, REMEDIATION.c.id == FAULT.c.remediation_id)
        .where(FAULT.c.key.in_(keys))
        .with_for_update(of=REMEDIATION)  # none of them ends before what is attached is there
    )
    return {row.key: row for row in connection.execute(query)}


def claim(connection: sa.Connection, owned: Mapping[str, str]) -> None:
    """Give names to remediations: name by name."""
    rows = [{"key": key, "remediation_id": remediation_id} for key, remediation_id in owned.items()]
    insert_or(connection, FAULT, rows, ["key"], {"remediation_id"})
