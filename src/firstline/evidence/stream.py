"""The ledger's entries as they stand, one after another, for what reads logs."""

from collections.abc import Iterator

import sqlalchemy as sa

from firstline.evidence import case as cases
from firstline.evidence.asked import Asked, chosen
from firstline.evidence.case import Line
from firstline.evidence.population import within
from firstline.store.table import LEDGER

CHUNK = 1000  # entries read at a time


def entries(connection: sa.Connection, asked: Asked) -> Iterator[Line]:
    """All of a period, in the order in which they were written; else what a pack would have of each remediation. Raises
    `Rejected` where there is nothing of what was asked for."""
    if asked.is_period:
        yield from _of_period(connection, asked)
        return
    seen: set[str] = set()
    for id_ in chosen(connection, asked):
        case = cases.read(connection, id_, 0)
        for line in sorted((*case.about, *case.beside), key=lambda line: line.id):
            if line.id not in seen:
                seen.add(line.id)
                yield line


def _of_period(connection: sa.Connection, asked: Asked) -> Iterator[Line]:
    query = sa.select(LEDGER.c.id, LEDGER.c.position, LEDGER.c.entry).where(within(asked)).order_by(LEDGER.c.id)
    last = ""
    while rows := connection.execute(query.where(LEDGER.c.id > last).limit(CHUNK)).all():
        for row in rows:
            yield Line(row.id, row.position, row.entry)
        last = rows[-1].id
