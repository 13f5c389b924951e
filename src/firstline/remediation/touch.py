"""What remediations were let go on, when: cool-downs, flap detection and rate limits count by it."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from firstline.guard.rate import Counted
from firstline.guard.settings import Often, Rate, Rates
from firstline.guard.subject import Subject, folded
from firstline.store import new_id
from firstline.store.table import RUN, TOUCH


def is_counted(connection: sa.Connection, remediation_id: str) -> bool:
    """It was let go already, and has its targets still: it is not counted against itself, nor against later ones."""
    mine = sa.select(TOUCH.c.id).where(TOUCH.c.remediation_id == remediation_id, TOUCH.c.left_at.is_(None))
    return connection.execute(mine.limit(1)).first() is not None


def put(connection: sa.Connection, subject: Subject, now: datetime) -> None:
    """Count it, once for each target."""
    if is_counted(connection, subject.remediation):
        return
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
    moment = sa.func.coalesce(TOUCH.c.left_at, TOUCH.c.at)
    query = (
        sa.select(TOUCH.c.target, sa.func.max(moment, type_=TOUCH.c.at.type).label("moment"))
        .where(TOUCH.c.target.in_(subject.targets), TOUCH.c.remediation_id != subject.remediation)
        .where(sa.or_(TOUCH.c.at > since, TOUCH.c.left_at > since))
        .group_by(TOUCH.c.target)
    )
    return {row.target: row.moment for row in connection.execute(query)}


def of_fault(connection: sa.Connection, subject: Subject, limit: Often, now: datetime) -> list[datetime]:
    """When others of the same fault were let go, as far as the limit looks back. One that is at it still, and may find
    that nothing is to be mended, is none of them yet."""
    ran = sa.and_(TOUCH.c.fault == subject.fault, TOUCH.c.left_at.is_not(None))
    return _begun(connection, subject, ran, limit.count, limit.within, now)


def counted(connection: sa.Connection, subject: Subject, rates: Rates, now: datetime) -> list[Counted]:
    """What each rate limit that is set looks at."""
    runbook, service = folded(subject.runbook), folded(subject.service)
    limits: list[tuple[str, Rate | None, sa.ColumnElement[bool]]] = [
        ("the whole hub", rates.hub, sa.true()),
        (f"the runbook {subject.runbook}", rates.runbook, TOUCH.c.runbook == runbook),
        *((f"the target {each}", rates.target, TOUCH.c.target == each) for each in subject.targets),
    ]
    if service:
        limits.append((f"the service {subject.service}", rates.service, TOUCH.c.service == service))
    return [
        Counted(what, rate, _begun(connection, subject, where, rate.count, rate.per, now))
        for what, rate, where in limits
        if rate is not None
    ]


def _begun(
    connection: sa.Connection, subject: Subject, where: sa.ColumnElement[bool], count: int, within: float, now: datetime
) -> list[datetime]:
    """When the newest `count` other remediations of these were let go."""
    at = sa.func.max(TOUCH.c.at, type_=TOUCH.c.at.type).label("at")
    query = (
        sa.select(at)
        .where(where, TOUCH.c.at > now - timedelta(seconds=within), TOUCH.c.remediation_id != subject.remediation)
        .group_by(TOUCH.c.remediation_id)
        .order_by(sa.desc("at"))
        .limit(count)
    )
    return list(connection.execute(query).scalars())
