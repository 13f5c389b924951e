"""Connections that can't be used now: paused until a person has mended the sign-in, or resting after failures.

A connection rests as a whole, so that what waits for it does not hammer a vendor that is down; when the rest is over,
one request is tried before the others."""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog

from firstline.governor import alarm
from firstline.store.database import insert
from firstline.store.table import CONNECTION, REMEDIATION, ConnectionRow, now

log = structlog.get_logger()

PAUSED_LOOK = 60.0  # seconds between two looks whether a paused connection was resumed
SHORTEST, LONGEST = 0.5, 300.0
PATIENCE = 4  # failures in a row from which on a connection rests
PROBE = timedelta(seconds=40)  # longer than a request can take: who tries after a rest and dies holds it no longer
LONGEST_ASKED = 24 * 3600.0  # of what a vendor may ask for


@dataclass(frozen=True)
class Standing:
    """How a connection stands. `rests_until` in the past: one request is tried."""

    paused: bool = False
    failures: int = 0
    rests_until: datetime | None = None

    @property
    def troubled(self) -> bool:
        return self.failures > 0 or self.rests_until is not None


def back_off(attempts: int, asked: float | None = None) -> float:
    """Seconds to wait after so many failed attempts: doubling, with jitter so that many don't return at once, and
    never less than the vendor asked for, up to a day."""
    wait = min(LONGEST, SHORTEST * 2.0 ** min(attempts, 16)) * random.uniform(0.75, 1.25)  # noqa: S311 - no secret
    return max(wait, min(asked or 0.0, LONGEST_ASKED))


def standing(connection: sa.Connection, name: str) -> Standing:
    row = connection.execute(sa.select(CONNECTION).where(CONNECTION.c.name == name)).mappings().first()
    if row is None:
        return Standing()
    return Standing(row["paused_at"] is not None, row["failures"], row["rests_until"])


def failed(connection: sa.Connection, name: str, asked: float | None, moment: datetime, *, probe: bool) -> None:
    """A request was not answered, or answered with a wait (`asked`, seconds). `probe`: it was the one after a rest."""
    named = sa.select(CONNECTION).where(CONNECTION.c.name == name)
    row = connection.execute(named.with_for_update()).mappings().first()
    if row is None:
        return
    failures, until = row["failures"], row["rests_until"]
    wait = None if asked is None else moment + timedelta(seconds=min(asked, LONGEST_ASKED))
    if until is not None and until > moment and not probe:  # under way when the rest began: it tells nothing new
        until = max(until, wait or until)
    else:
        failures += asked is None
        rests = probe or failures >= PATIENCE
        until = wait or (moment + timedelta(seconds=back_off(max(0, failures - PATIENCE))) if rests else None)
    _set(connection, name, failures=failures, rests_until=until)
    if until is not None and until != row["rests_until"]:
        log.warning("connection.rests", connection=name, until=until.isoformat(), failures=failures)


def answered(connection: sa.Connection, name: str) -> None:
    """The vendor answers again."""
    _set(connection, name, failures=0, rests_until=None)


def probe(connection: sa.Connection, name: str, moment: datetime) -> bool:
    """Become the one that tries after a rest; the others go on resting meanwhile. False: another is."""
    over = sa.update(CONNECTION).where(CONNECTION.c.name == name, CONNECTION.c.rests_until <= moment)
    return connection.execute(over.values(rests_until=moment + PROBE)).rowcount == 1


def rest(connection: sa.Connection, name: str, until: datetime) -> None:
    _set(connection, name, rests_until=until)


def pause(connection: sa.Connection, name: str, reason: str, pager: str) -> bool:
    """Stop using a connection until a person resumes it, and call for one. False when it was paused already."""
    row = sa.update(CONNECTION).where(CONNECTION.c.name == name, CONNECTION.c.paused_at.is_(None))
    if connection.execute(row.values(paused_at=now(), reason=reason)).rowcount != 1:
        return False
    alarm.paused(connection, pager, name, reason)
    return True


def paused(connection: sa.Connection) -> set[str]:
    rows = connection.execute(sa.select(CONNECTION.c.name).where(CONNECTION.c.paused_at.is_not(None)))
    return set(rows.scalars())


def resume(connection: sa.Connection, name: str, pager: str) -> bool:
    """Use it again; what waits is due. False when it was not paused."""
    row = sa.update(CONNECTION).where(CONNECTION.c.name == name, CONNECTION.c.paused_at.is_not(None))
    values = row.values(paused_at=None, reason="", failures=0, rests_until=None)
    if connection.execute(values).rowcount != 1:
        return False
    connection.execute(sa.update(REMEDIATION).where(REMEDIATION.c.wake_at.is_not(None)).values(wake_at=now()))
    alarm.resumed(connection, pager, name)
    return True


def know(connection: sa.Connection, names: Iterable[str], pager: str, *, alone: bool) -> None:
    """The connections of a hub that starts. `alone`: no other hub lives, so this is the operator's restart, and lifts
    pauses: the sign-in may be mended. With others alive, they keep what they know."""
    known = set(connection.execute(sa.select(CONNECTION.c.name)).scalars())
    if alone:
        for name in paused(connection):
            alarm.resumed(connection, pager, name)
        connection.execute(sa.delete(CONNECTION))
        known = set()
    insert(connection, *(ConnectionRow(name=name) for name in names if name not in known))


def _set(connection: sa.Connection, name: str, **values: object) -> None:
    connection.execute(sa.update(CONNECTION).where(CONNECTION.c.name == name).values(**values))
