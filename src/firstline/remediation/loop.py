"""The last resort against loops: a record whose remediations keep starting new ones is held, however they got past the
marks of our own writes."""

from collections import Counter
from datetime import timedelta

import sqlalchemy as sa

from firstline.store.table import REMEDIATION, now

WINDOW = timedelta(hours=1)
LIMIT = 10

WHY = f"held: {LIMIT} remediations began on this record within an hour; it looks like a loop: a person has to look"


def begun(connection: sa.Connection, records: set[tuple[str, str]]) -> Counter[tuple[str, str]]:
    """How many remediations began on each record within the window."""
    found: Counter[tuple[str, str]] = Counter()
    if not records:
        return found
    names, ids = {name for name, _ in records}, {record for _, record in records}
    query = (
        sa.select(REMEDIATION.c.connection, REMEDIATION.c.record, sa.func.count())
        .where(REMEDIATION.c.connection.in_(names), REMEDIATION.c.record.in_(ids))
        .where(REMEDIATION.c.created_at > now() - WINDOW)
        .group_by(REMEDIATION.c.connection, REMEDIATION.c.record)
    )
    for name, record, count in connection.execute(query):
        found[name, record] = count
    return found
