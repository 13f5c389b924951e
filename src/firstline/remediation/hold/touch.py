"""What remediations were let go on, when: cool-downs, flap detection and rate limits count by it."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from firstline.guard.rate import Counted
from firstline.guard.settings import Often, Rate, Rates
from firstline.guard.subject import Subject, folded
from firstline.store import new_id
from firstline.store.table import RUN, TOUCH

_OTHERS = (TOUCH.c.at > sa.bindparam("since"), TOUCH.c.remediation_id != sa.bindparam("me"))
_OF_TARGETS = TOUCH.c.target.in_(sa.bindparam("targets", expanding=True))


def _newest(*where: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """When each of the other remediations was let go. In an order in which an index gives them one after another, so
    that no more is read than is counted."""
    query = sa.select(TOUCH.c.at, TOUCH.c.remediation_id).distinct().where(*where, *_OTHERS)
    return query.order_by(TOUCH.c.at.desc(), TOUCH.c.remediation_id.desc())


def _fills(*where: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return _newest(*where).offset(sa.bindparam("but")).limit(1)


def _fills_each() -> sa.Select[Any]:
    """Of all targets at once: a remediation touches each of them once."""
    order = sa.func.row_number().over(partition_by=TOUCH.c.target, order_by=TOUCH.c.at.desc())
    ordered = sa.select(TOUCH.c.target, TOUCH.c.at, order.label("number")).where(_OF_TARGETS, *_OTHERS).subquery()
    return sa.select(ordered.c.target, ordered.c.at).where(ordered.c.number == sa.bindparam("but") + 1)


# Made once: to make them takes longer than to ask them, and each remediation that is due asks.
_COUNTED = sa.select(TOUCH.c.id).where(TOUCH.c.remediation_id == sa.bindparam("me"), TOUCH.c.left_at.is_(None)).limit(1)
_LAST = (
    sa.select(
        TOUCH.c.target, sa.func.max(sa.func.coalesce(TOUCH.c.left_at, TOUCH.c.at), type_=TOUCH.c.at.type).label("at")
    )
    .where(_OF_TARGETS, TOUCH.c.remediation_id != sa.bindparam("me"))
    .where(sa.or_(TOUCH.c.at > sa.bindparam("since"), TOUCH.c.left_at > sa.bindparam("since")))
    .group_by(TOUCH.c.target)
)
_MENDED = _newest(TOUCH.c.fault == sa.bindparam("fault"), TOUCH.c.left_at.is_not(None)).limit(sa.bindparam("count"))
_HUB = _fills()
_RUNBOOK = _fills(TOUCH.c.runbook == sa.bindparam("name"))
_SERVICE = _fills(TOUCH.c.service == sa.bindparam("name"))
_TARGETS = _fills_each()


def is_counted(connection: sa.Connection, remediation_id: str) -> bool:
    """It was let go already, and has its targets still: it is not counted against itself, nor against later ones."""
    return connection.execute(_COUNTED, {"me": remediation_id}).first() is not None


def put(connection: sa.Connection, subject: Subject, now: datetime) -> None:
    """Count it, once for each target. The caller has looked that it is not counted yet."""
    row = {
        "remediation_id": subject.remediation,
        "runbook": folded(subject.runbook),
        "service": folded(subject.service),
        "fault": subject.fault,
        "environment": subject.environment,
        "at": now,
        "left_at": None,
    }
    connection.execute(sa.insert(TOUCH), [{"id": new_id(), "target": target, **row} for target in subject.targets])


def leave(connection: sa.Connection, remediation_id: str, now: datetime) -> None:
    """It has let go of its targets. Where no step of it began it has touched nothing, and does not count."""
    mine = TOUCH.c.remediation_id == remediation_id
    ran = sa.select(RUN.c.id).where(RUN.c.remediation_id == remediation_id, RUN.c.phase == "step").limit(1)
    if connection.execute(ran).first() is None:
        connection.execute(sa.delete(TOUCH).where(mine, TOUCH.c.left_at.is_(None)))
    else:
        connection.execute(sa.update(TOUCH).where(mine, TOUCH.c.left_at.is_(None)).values(left_at=now))


def last(connection: sa.Connection, subject: Subject, since: datetime) -> dict[str, datetime]:
    """By target, when the last of the others let go of it, or took it where it has not let go yet."""
    asked = {"targets": subject.targets, "me": subject.remediation, "since": since}
    return {row.target: row.at for row in connection.execute(_LAST, asked)}


def of_fault(connection: sa.Connection, subject: Subject, limit: Often, now: datetime) -> list[datetime]:
    """When others of the same fault were let go, as far as the limit looks back. One that is at it still, and may find
    that nothing is to be mended, is none of them yet."""
    asked = {"fault": subject.fault, "count": limit.count, "me": subject.remediation}
    found = connection.execute(_MENDED, {**asked, "since": now - timedelta(seconds=limit.within)})
    return [row.at for row in found]


def counted(connection: sa.Connection, subject: Subject, rates: Rates, now: datetime) -> Iterator[Counted]:
    """What each rate limit that is set looks at."""
    of_one = (
        ("the whole hub", rates.hub, _HUB, ""),
        (f"the runbook {subject.runbook}", rates.runbook, _RUNBOOK, folded(subject.runbook)),
        (f"the service {subject.service}", rates.service, _SERVICE, folded(subject.service)),
    )
    for what, rate, query, name in of_one:
        if rate is not None and (name or query is _HUB):
            row = connection.execute(query, {**_asked(subject, rate, now), "name": name}).first()
            yield Counted(what, rate, row.at if row else None)
    if rates.target is not None:
        asked = {**_asked(subject, rates.target, now), "targets": subject.targets}
        for row in connection.execute(_TARGETS, asked):
            yield Counted(f"the target {row.target}", rates.target, row.at)


def _asked(subject: Subject, rate: Rate, now: datetime) -> dict[str, Any]:
    return {"me": subject.remediation, "since": now - timedelta(seconds=rate.per), "but": rate.count - 1}
