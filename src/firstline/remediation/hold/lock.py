"""Locks on targets, across processes. All changes to what guards look at are made one transaction at a time."""

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa

from firstline.guard.lock import Lock
from firstline.guard.subject import Subject
from firstline.store.database import insert_or, one_at_a_time
from firstline.store.table import LOCK, TOUCH

_GATE = 0x6669727367  # PostgreSQL's advisory lock

_HELD = sa.select(LOCK.c.target, LOCK.c.remediation_id, LOCK.c.expires_at).where(
    LOCK.c.target.in_(sa.bindparam("targets", expanding=True))
)


def alone(connection: sa.Connection) -> None:
    """From here to its end no other transaction that asked for this goes on: what is counted stays so until it is
    acted on. May be asked for again."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_GATE)))
    else:
        one_at_a_time(connection)


def held(connection: sa.Connection, targets: Iterable[str]) -> list[Lock]:
    """The locks on these targets, the expired ones among them."""
    found = connection.execute(_HELD, {"targets": list(targets)})
    return [Lock(row.target, row.remediation_id, row.expires_at) for row in found]


def take(connection: sa.Connection, subject: Subject, seen: Iterable[Lock], until: datetime, now: datetime) -> None:
    """Give all its targets to the remediation, whoever had them. The caller is `alone` and has seen the locks."""
    own = {each.target for each in seen if each.remediation == subject.remediation}
    if own:
        mine = sa.update(LOCK).where(LOCK.c.remediation_id == subject.remediation)
        connection.execute(mine.values(expires_at=until))
    row = {"remediation_id": subject.remediation, "taken_at": now, "expires_at": until}
    rows = [{"target": target, **row} for target in sorted(subject.targets) if target not in own]
    insert_or(connection, LOCK, rows, ["target"], set(row))


def renew(connection: sa.Connection, remediation_id: str, until: datetime) -> bool:
    """Hold the locks of a remediation that changes something until then, at least. False: it was not let go, or has
    lost a target to another; then it must not begin one more step."""
    alone(connection)
    mine = LOCK.c.remediation_id == remediation_id
    connection.execute(sa.update(LOCK).where(mine, LOCK.c.expires_at < until).values(expires_at=until))
    let_go = sa.select(TOUCH.c.target).where(TOUCH.c.remediation_id == remediation_id, TOUCH.c.left_at.is_(None))
    targets = set(connection.execute(let_go).scalars())
    has = set(connection.execute(sa.select(LOCK.c.target).where(mine)).scalars())
    return bool(targets) and targets <= has


def drop(connection: sa.Connection, remediation_id: str) -> None:
    connection.execute(sa.delete(LOCK).where(LOCK.c.remediation_id == remediation_id))
