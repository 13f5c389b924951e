"""How many of each there are in a period, so that an auditor knows the whole from which a sample is drawn."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from firstline.evidence.asked import Asked
from firstline.evidence.pack import Population
from firstline.register.change import name
from firstline.store.table import CHANGE, LEDGER

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_FAR = datetime(9999, 1, 1, tzinfo=UTC)


def within(asked: Asked) -> sa.ColumnElement[bool]:
    """Of the ledger, what was entered in the period."""
    since, until = _bounds(asked)
    return (LEDGER.c.id >= _id(since)) & (LEDGER.c.id < _id(until))


def positions(connection: sa.Connection, asked: Asked, size: int) -> range:
    """The places in the tree of what was entered in the period: without a gap from the first to the last."""
    bounds = sa.select(sa.func.min(LEDGER.c.position), sa.func.max(LEDGER.c.position))
    first, last = connection.execute(bounds.where(within(asked), LEDGER.c.position < size)).one()
    return range(0) if first is None else range(first, last + 1)


def unplaced(connection: sa.Connection, asked: Asked, size: int) -> int:
    """How many entries of the period no checkpoint covers yet."""
    no_place = sa.or_(LEDGER.c.position.is_(None), LEDGER.c.position >= size)
    query = sa.select(sa.func.count()).select_from(LEDGER).where(within(asked), no_place)
    return connection.execute(query).scalar_one()


def changes(connection: sa.Connection, asked: Asked) -> list[int]:
    """The numbers of our own changes that were opened in the period."""
    since, until = _bounds(asked)
    opened = sa.select(CHANGE.c.number).where(CHANGE.c.opened_at >= since, CHANGE.c.opened_at < until)
    return list(connection.execute(opened.order_by(CHANGE.c.number)).scalars())


def counted(within: range, remediations: Iterable[str], numbers: list[int]) -> Population:
    return Population(
        entries=len(within),
        first=within[0] if within else None,
        last=within[-1] if within else None,
        remediations=len(list(remediations)),
        changes=len(numbers),
        first_change=name(numbers[0]) if numbers else "",
        last_change=name(numbers[-1]) if numbers else "",
    )


def missing(numbers: list[int]) -> list[str]:
    """The numbers between the first and the last that no change has."""
    every = range(numbers[0], numbers[-1] + 1) if numbers else range(0)
    return [name(number) for number in every if number not in set(numbers)] if len(every) != len(numbers) else []


def _bounds(asked: Asked) -> tuple[datetime, datetime]:
    return asked.since or _LONG_AGO, asked.until or _FAR


def _id(moment: datetime) -> str:
    """The first identifier of a moment: an entry's id begins with the milliseconds when it was written."""
    return f"{round((moment - _LONG_AGO) / timedelta(milliseconds=1)):012x}".ljust(32, "0")
