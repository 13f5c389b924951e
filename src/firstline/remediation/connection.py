"""Connections that can't be used now: paused until a person has mended the sign-in, or waiting out a trouble."""

import random

import sqlalchemy as sa
import structlog

from firstline.store import Database
from firstline.store.table import CONNECTION, REMEDIATION, now

log = structlog.get_logger()

PAUSED_LOOK = 60.0  # seconds between two looks whether a paused connection was resumed
SHORTEST, LONGEST = 0.5, 300.0


def back_off(attempts: int, asked: float | None = None) -> float:
    """Seconds to wait after so many failed attempts: doubling, with jitter so that many don't return at once, and
    never less than the vendor asked for."""
    wait = min(LONGEST, SHORTEST * 2.0 ** min(attempts, 16)) * random.uniform(0.75, 1.25)  # noqa: S311 - no secret
    return max(wait, asked or 0.0)


async def pause(database: Database, name: str, reason: str) -> None:
    """Stop using a connection until a person resumes it."""

    def mark(connection: sa.Connection) -> None:
        row = sa.update(CONNECTION).where(CONNECTION.c.name == name, CONNECTION.c.paused_at.is_(None))
        connection.execute(row.values(paused_at=now(), reason=reason[:2000]))

    await database.write(mark)
    log.error("connection.paused", connection=name, reason=reason)


def paused(connection: sa.Connection) -> set[str]:
    rows = connection.execute(sa.select(CONNECTION.c.name).where(CONNECTION.c.paused_at.is_not(None)))
    return set(rows.scalars())


async def resume(database: Database, name: str) -> bool:
    """Use it again, and look at once at what waits. False when it was not paused."""
    row = sa.update(CONNECTION).where(CONNECTION.c.name == name, CONNECTION.c.paused_at.is_not(None))
    values = row.values(paused_at=None, reason="")
    waiting = sa.update(REMEDIATION).where(REMEDIATION.c.wake_at.is_not(None)).values(wake_at=now())

    def use(connection: sa.Connection) -> bool:
        resumed = connection.execute(values).rowcount == 1
        if resumed:
            connection.execute(waiting)
        return resumed

    return await database.write(use)
