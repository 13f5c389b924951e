"""For a time, one person's approvals may be given by another."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from firstline.access.oneself import another
from firstline.access.person import PERSON_PREFIX, is_on
from firstline.errors import Rejected
from firstline.ledger import record
from firstline.ledger.facet import bind
from firstline.store.database import insert
from firstline.store.table import DELEGATION, PERSON, DelegationRow, now


def delegated_to(connection: sa.Connection, taker: str, at: datetime) -> set[str]:
    """Whose approvals the taker may give at that time. Nobody who is off gives or takes; what was taken over is not
    handed on."""
    if not is_on(connection, taker):
        return set()
    query = sa.select(DELEGATION.c.giver).join(PERSON, PERSON.c.name == DELEGATION.c.giver)
    live = (DELEGATION.c.taker == taker, DELEGATION.c.since <= at, DELEGATION.c.until > at, PERSON.c.off_at.is_(None))
    return set(connection.execute(query.where(*live)).scalars())


def delegate(
    connection: sa.Connection,
    giver: str,
    taker: str,
    *,
    until: datetime,
    reason: str,
    by: str,
    since: datetime | None = None,
) -> str:
    """Let the taker give the giver's approvals from `since` (default: now) until `until`; gives the delegation's id.
    Raises `Rejected` when one of them is not there or off, or the time is none."""
    begin = since or now()
    for name in (giver, taker):
        if not is_on(connection, name):
            raise Rejected(f"{name} is nobody here, or off")
    if by != giver:
        another(connection, by, PERSON_PREFIX + taker)
    if giver == taker:
        raise Rejected("nobody delegates to themselves")
    if until <= max(begin, now()):
        raise Rejected("a delegation ends after it began, and not before now")
    row = DelegationRow(giver=giver, taker=taker, since=begin, until=until, reason=reason)
    insert(connection, row)
    time = f"from {begin:%Y-%m-%d %H:%M} until {until:%Y-%m-%d %H:%M} UTC"
    _tell(connection, giver, "delegated", row.id, f"{taker} may give {giver}'s approvals {time}: {reason}", by)
    return row.id


def end(connection: sa.Connection, delegation_id: str, *, by: str) -> None:
    """End a delegation now. Raises `Rejected` when there is none that goes on."""
    going_on = (DELEGATION.c.id == delegation_id, DELEGATION.c.until > now())
    if connection.execute(sa.update(DELEGATION).where(*going_on).values(until=now())).rowcount != 1:
        raise Rejected(f"there is no delegation {delegation_id} that goes on")
    row = connection.execute(sa.select(DELEGATION).where(DELEGATION.c.id == delegation_id)).mappings().one()
    text = f"{row['taker']} may no more give {row['giver']}'s approvals"
    _tell(connection, row["giver"], "delegation ended", delegation_id, text, by)


def find(connection: sa.Connection, delegation_id: str) -> dict[str, Any] | None:
    """Its row, also of one that is over."""
    row = connection.execute(sa.select(DELEGATION).where(DELEGATION.c.id == delegation_id)).mappings().first()
    return None if row is None else dict(row)


def _tell(connection: sa.Connection, giver: str, act: str, delegation_id: str, text: str, by: str) -> None:
    bound = bind(connection, "delegation", delegation_id)
    record(connection, PERSON_PREFIX + giver, act, text, by=by, rows=bound)
