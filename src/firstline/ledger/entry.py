"""One act, as it is kept: written in the transaction of what it tells, and never changed."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict

from firstline.declaration import Json
from firstline.store import new_id
from firstline.store.database import insert
from firstline.store.table import LedgerRow, now

HUB = "firstline"  # does what nobody in particular does
WORDS = 2000  # characters of an entry's text


class Entry(BaseModel):
    """What is hashed: the canonical form of this, with secrets masked.

    `rows` binds rows of other tables to the entry: by facet and id (`approval.decided/0193...`), the SHA-256 of the
    columns that the facet names (`firstline.ledger.facet`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    at: str  # UTC, to the microsecond: 2026-11-23T06:40:00.123456Z
    act: str  # approved, held, ran, wrote, promoted ...
    by: str  # a person's name, or `firstline`
    subject: str  # a remediation's id; else `person:ann`, `mapping:pack/id`, `switch:all` ...
    text: str = ""  # for people
    facts: dict[str, Any] = {}  # for programs
    rows: dict[str, str] = {}


def entry(
    subject: str,
    act: str,
    text: str = "",
    *,
    by: str = HUB,
    facts: Mapping[str, Json] | None = None,
    rows: Mapping[str, str] | None = None,
    at: datetime | None = None,
) -> LedgerRow:
    """A new entry, for who inserts it with other rows."""
    id_ = new_id()
    made = Entry(
        id=id_,
        at=stamp(at or now()),
        act=act,
        by=by,
        subject=subject,
        text=text[:WORDS],
        facts=dict(facts or {}),
        rows=dict(rows or {}),
    )
    return LedgerRow(id=id_, subject=subject, entry=made.model_dump())


def record(
    connection: sa.Connection,
    subject: str,
    act: str,
    text: str = "",
    *,
    by: str = HUB,
    facts: Mapping[str, Json] | None = None,
    rows: Mapping[str, str] | None = None,
) -> None:
    """Write an entry, in the transaction of what it tells."""
    insert(connection, entry(subject, act, text, by=by, facts=facts, rows=rows))


def stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
