"""Where a remediation's lines stand in the ledger's tree."""

from typing import NamedTuple

import sqlalchemy as sa

from firstline.store.table import CHECKPOINT, LEDGER


class Proof(NamedTuple):
    """`placed` of its entries have a place in the tree, the `last` of them that number; `waiting` have none yet. `size`
    of the latest checkpoint: an entry is under it when its number is smaller."""

    placed: int
    last: int | None
    waiting: int
    size: int


def proof(connection: sa.Connection, remediation_id: str) -> Proof:
    size = connection.execute(sa.select(sa.func.max(CHECKPOINT.c.size))).scalar() or 0
    under = LEDGER.c.position < size
    query = sa.select(
        sa.func.count().filter(under),
        sa.func.max(LEDGER.c.position).filter(under),
        sa.func.count().filter(sa.or_(LEDGER.c.position.is_(None), ~under)),
    ).where(LEDGER.c.subject == remediation_id)
    placed, last, waiting = connection.execute(query).one()
    return Proof(placed, last, waiting, size)
