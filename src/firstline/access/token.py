"""API tokens: random, shown once, kept as a hash. Each belongs to a named person and carries rights."""

import hashlib
import secrets
from datetime import timedelta
from enum import StrEnum

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict

from firstline.store.database import insert
from firstline.store.table import TOKEN, TokenRow, now

PREFIX = "fl_"  # so that a leaked token is recognised for what it is


class Right(StrEnum):
    SEE = "see"
    APPROVE = "approve"
    GOVERN = "govern"  # resume a paused connection, retry a parked write


class Person(BaseModel):
    model_config = ConfigDict(frozen=True)

    name: str
    rights: frozenset[Right]

    def may(self, right: Right) -> bool:
        return right in self.rights


def make_token(connection: sa.Connection, person: str, rights: list[Right], days: float = 365) -> str:
    """Make a token for a person; it is given once, here, and can't be read again."""
    token = PREFIX + secrets.token_urlsafe(32)
    row = TokenRow(
        person=person,
        hash=_hash(token),
        rights=[right.value for right in rights],
        expires_at=now() + timedelta(days=days),
    )
    insert(connection, row)
    return token


def authenticate(connection: sa.Connection, token: str) -> Person | None:
    """Whose token it is; None when it is nobody's or has expired."""
    # Found by the hash of 256 random bits: there is nothing to guess, so no slow hash and no constant-time walk.
    row = connection.execute(sa.select(TOKEN).where(TOKEN.c.hash == _hash(token))).mappings().first()
    if row is None or (row["expires_at"] is not None and row["expires_at"] <= now()):
        return None
    return Person(name=row["person"], rights=frozenset(map(Right, row["rights"])))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
