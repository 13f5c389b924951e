"""What is known of people, for those who govern: who may what, by which grant, through which group."""

from typing import Any

import sqlalchemy as sa

from firstline.access.person import grants_of
from firstline.errors import Rejected
from firstline.store.table import DELEGATION, GRANT, MEMBER, PERSON, TOKEN, now

_TOKEN = [column for column in TOKEN.columns if column.name != "hash"]


def people(connection: sa.Connection) -> list[dict[str, Any]]:
    """Everybody by name, those who are off too: the row, and `groups`."""
    groups: dict[str, list[str]] = {}
    for row in connection.execute(sa.select(MEMBER).order_by(MEMBER.c.group)).mappings():
        groups.setdefault(row["person"], []).append(row["group"])
    rows = connection.execute(sa.select(PERSON).order_by(PERSON.c.name)).mappings()
    return [{**row, "accounts": row["accounts"] or {}, "groups": groups.get(row["name"], [])} for row in rows]


def profile(connection: sa.Connection, name: str) -> dict[str, Any]:
    """One person whole: the row, `groups`, `grants` (each with the holder it comes by), `tokens` without what opens,
    `delegations` that are not over. Raises `Rejected` when there is none."""
    row = connection.execute(sa.select(PERSON).where(PERSON.c.name == name)).mappings().first()
    if row is None:
        raise Rejected(f"there is no person {name!r}")
    member = sa.select(MEMBER.c.group).where(MEMBER.c.person == name).order_by(MEMBER.c.group)
    return {
        **row,
        "accounts": row["accounts"] or {},
        "groups": list(connection.execute(member).scalars()),
        "grants": [grant.model_dump(mode="json") for grant in grants_of(connection, name)],
        "tokens": tokens(connection, name),
        "delegations": delegations(connection, name),
    }


def tokens(connection: sa.Connection, name: str = "") -> list[dict[str, Any]]:
    """The tokens of a person, or all: everything but what opens. Those that open nothing any more too."""
    query = sa.select(*_TOKEN).order_by(TOKEN.c.id)
    return _rows(connection, query.where(TOKEN.c.person == name) if name else query)


def delegations(connection: sa.Connection, name: str) -> list[dict[str, Any]]:
    """What a person gave or took, unless it is over."""
    theirs = (DELEGATION.c.giver == name) | (DELEGATION.c.taker == name)
    query = sa.select(DELEGATION).where(theirs, DELEGATION.c.until > now()).order_by(DELEGATION.c.id)
    return _rows(connection, query)


def grants(connection: sa.Connection) -> list[dict[str, Any]]:
    """Every grant: holder, right, pack, environment."""
    return _rows(connection, sa.select(GRANT).order_by(GRANT.c.holder, GRANT.c.id))


def _rows(connection: sa.Connection, query: sa.Select[Any]) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(query).mappings()]
