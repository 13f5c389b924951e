"""Who is in which group. A group is there as long as somebody is in it or something is granted to it."""

import sqlalchemy as sa

from firstline.access import name as names
from firstline.access.oneself import another
from firstline.access.person import GROUP_PREFIX, PERSON_PREFIX
from firstline.access.roll import known
from firstline.errors import Rejected
from firstline.ledger import record
from firstline.ledger.facet import bind, unbind
from firstline.store.database import insert, one_at_a_time
from firstline.store.table import MEMBER, MemberRow


def join(connection: sa.Connection, group: str, person: str, *, by: str) -> None:
    """Put a person into a group. Raises `Rejected` when there is no such person, or they are in it."""
    one_at_a_time(connection)
    names.check(connection, group, "group")
    if not known(connection, person):
        raise Rejected(f"there is no person {person!r}")
    another(connection, by, PERSON_PREFIX + person)
    if connection.execute(sa.select(MEMBER).where(*_is(group, person))).first():
        raise Rejected(f"{person} is in {group} already")
    insert(connection, MemberRow(group=group, person=person))
    bound = bind(connection, "member", (group, person))
    record(connection, GROUP_PREFIX + group, "joined", f"{person} is in {group}", by=by, rows=bound)


def leave(connection: sa.Connection, group: str, person: str, *, by: str) -> None:
    """Take a person out of a group. Raises `Rejected` when they are not in it."""
    if connection.execute(sa.delete(MEMBER).where(*_is(group, person))).rowcount != 1:
        raise Rejected(f"{person} is not in {group}")
    bound = unbind("member", (group, person))
    record(connection, GROUP_PREFIX + group, "left", f"{person} is no more in {group}", by=by, rows=bound)


def _is(group: str, person: str) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return MEMBER.c.group == group, MEMBER.c.person == person
