"""Four eyes for rights: what lets somebody do more is given to them by another, whatever they may themselves."""

import sqlalchemy as sa

from firstline.access.person import GROUP_PREFIX, PERSON_PREFIX
from firstline.errors import Rejected
from firstline.store.table import MEMBER


class Barred(Rejected):
    """Who acts may not do this; another may."""


def another(connection: sa.Connection, by: str, holder: str) -> None:
    """Raises `Barred` when what a holder (`person:ann`, `group:sre`) is given comes to the one who gives. On the hub's
    machine, who is nobody here (`os:root`) gives to everybody; the ledger says so."""
    member = sa.select(MEMBER).where(MEMBER.c.person == by, sa.literal(GROUP_PREFIX) + MEMBER.c.group == holder)
    if holder == PERSON_PREFIX + by or connection.execute(member).first():
        raise Barred(f"{by} can't give that to themselves; somebody else who governs can")
