"""Which rows a person may see or act on: a condition for a query, so that lists are filtered where they are read."""

from typing import Any

import sqlalchemy as sa

from firstline.access.right import EVERY, Grant, Person, Right


def within(
    person: Person, right: Right, pack: sa.ColumnElement[Any], environment: sa.ColumnElement[Any]
) -> sa.ColumnElement[bool]:
    """True for rows whose pack and environment, given by two columns, the person has the right for."""
    return sa.or_(sa.false(), *(_covered(grant, pack, environment) for grant in person.granting(right)))


def _covered(grant: Grant, pack: sa.ColumnElement[Any], environment: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    named = ((pack, grant.pack), (environment, grant.environment))
    return sa.and_(sa.true(), *(column == name for column, name in named if name != EVERY))
