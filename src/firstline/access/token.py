"""API tokens: random, shown once, kept as a hash. Each is a person's way in, has a name and an end, can be taken back,
and can be limited to some of the person's rights; it never gives a right that the person does not have."""

import hashlib
import secrets
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from firstline.access.grant import grant_missing
from firstline.access.oneself import another
from firstline.access.person import PERSON_PREFIX, find, is_on
from firstline.access.right import Person, Right
from firstline.access.roll import add_missing
from firstline.declaration import Json
from firstline.errors import Rejected
from firstline.ledger import record
from firstline.ledger.entry import HUB
from firstline.ledger.facet import bind
from firstline.store.database import insert, one_at_a_time
from firstline.store.table import TOKEN, TokenRow, now

PREFIX = "fl_"  # so that a leaked token is recognised for what it is
CENTURY = 36525  # days


def authenticate(connection: sa.Connection, token: str, at: datetime | None = None) -> Person | None:
    """Whose token it is, with what they may by it; None when it is nobody's, has expired or was taken back, or its
    person is off. `at`: default now."""
    # Found by the hash of 256 random bits: there is nothing to guess, so no slow hash and no constant-time walk.
    row = connection.execute(sa.select(TOKEN).where(TOKEN.c.hash == hashed(token))).mappings().first()
    if row is None or ended(row, at or now()):
        return None
    return find(connection, row["person"], _limits(row["rights"]))


def make_token(
    connection: sa.Connection, person: str, rights: Collection[Right], days: float = 365, *, by: str = HUB
) -> str:
    """For a first start: a token limited to these rights, for a person who is added if need be and granted those of
    them that they lack, everywhere. It is given once, here, and can't be read again."""
    one_at_a_time(connection)
    add_missing(connection, person, by=by)
    grant_missing(connection, PERSON_PREFIX + person, rights, by=by)
    return give_token(connection, person, rights=rights, days=days, by=by)


def give_token(
    connection: sa.Connection,
    person: str,
    *,
    by: str,
    name: str = "",
    rights: Collection[Right] | None = None,
    days: float = 365,
) -> str:
    """A new token of a person; it is given once, here. `name`: what it is for. `rights`: what it is limited to; None:
    all that the person has, also later. Raises `Rejected` for who is not there or off."""
    if not is_on(connection, person):
        raise Rejected(f"{person} is nobody here, or off")
    another(connection, by, PERSON_PREFIX + person)
    token = PREFIX + secrets.token_urlsafe(32)
    limits = None if rights is None else sorted({right.value for right in rights})
    expires = now() + timedelta(days=days)
    row = TokenRow(person=person, name=name, hash=hashed(token), rights=limits, expires_at=expires)
    insert(connection, row)
    only = "" if limits is None else f", only to {', '.join(limits)}"
    text = f"A token of {person}{f' for {name}' if name else ''} until {expires:%Y-%m-%d %H:%M} UTC{only}"
    limited: Json = None if limits is None else [*limits]
    facts: dict[str, Json] = {"rights": limited, "expires_at": expires.isoformat()}
    rows = bind(connection, "token", row.id)
    record(connection, PERSON_PREFIX + person, "token given", text, by=by, facts=facts, rows=rows)
    return token


def revoke_token(connection: sa.Connection, token_id: str, *, by: str) -> None:
    """Take a token back, by its id: it opens nothing any more, at once. Raises `Rejected` when there is no live one."""
    live = sa.update(TOKEN).where(TOKEN.c.id == token_id, TOKEN.c.revoked_at.is_(None))
    if connection.execute(live.values(revoked_at=now())).rowcount != 1:
        raise Rejected(f"there is no token {token_id} that could be taken back")
    row = connection.execute(sa.select(TOKEN.c.person, TOKEN.c.name).where(TOKEN.c.id == token_id)).one()
    text = f"A token of {row.person}{f' for {row.name}' if row.name else ''} was taken back"
    rows = bind(connection, "token", token_id)
    record(connection, PERSON_PREFIX + row.person, "token revoked", text, by=by, rows=rows)


def ended(row: Mapping[str, Any] | sa.RowMapping, at: datetime) -> str:
    """Why a token opens nothing any more; empty: it does."""
    if row["revoked_at"] is not None:
        return f"was taken back at {row['revoked_at']:%Y-%m-%d %H:%M} UTC"
    if row["expires_at"] is not None and row["expires_at"] <= at:
        return f"expired at {row['expires_at']:%Y-%m-%d %H:%M} UTC"
    return ""


def hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _limits(rights: list[str] | None) -> frozenset[Right] | None:
    return None if rights is None else frozenset(map(Right, rights))
