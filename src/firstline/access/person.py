"""Who is who: people and their groups, as the database has them now. Who is off is nobody, at once."""

from collections.abc import Sequence

import sqlalchemy as sa

from firstline.access.right import EVERY, Grant, Person, Right
from firstline.store.table import GRANT, MEMBER, PERSON

PERSON_PREFIX = "person:"
GROUP_PREFIX = "group:"


def find(connection: sa.Connection, name: str, limits: frozenset[Right] | None = None) -> Person | None:
    """The person, with what they may; None when unknown or off. `limits`: what their way in is limited to."""
    if not is_on(connection, name):
        return None
    return Person(name=name, grants=grants_of(connection, name), limits=limits)


def is_on(connection: sa.Connection, name: str) -> bool:
    """Whether there is such a person, who has not left."""
    query = sa.select(PERSON.c.name).where(PERSON.c.name == name, PERSON.c.off_at.is_(None))
    return connection.execute(query).first() is not None


def grants_of(connection: sa.Connection, name: str) -> tuple[Grant, ...]:
    """What is granted to a person and to their groups, whether they are off or not."""
    groups = sa.select(sa.literal(GROUP_PREFIX) + MEMBER.c.group).where(MEMBER.c.person == name)
    theirs = (GRANT.c.holder == PERSON_PREFIX + name) | GRANT.c.holder.in_(groups)
    query = sa.select(GRANT.c.right, GRANT.c.pack, GRANT.c.environment, GRANT.c.holder).where(theirs)
    rows = connection.execute(query.order_by(GRANT.c.id)).mappings()
    return tuple(Grant.model_validate(dict(row)) for row in rows)


def groups_of(connection: sa.Connection, name: str) -> set[str]:
    """The groups a person is in; none for who is unknown or off."""
    query = sa.select(MEMBER.c.group).join(PERSON, PERSON.c.name == MEMBER.c.person)
    query = query.where(PERSON.c.name == name, PERSON.c.off_at.is_(None))
    return set(connection.execute(query).scalars())


def is_one_of(connection: sa.Connection, name: str, names: Sequence[str]) -> bool:
    """Whether the person, or a group of theirs, is among these names of people and groups. Who is off never is."""
    return is_on(connection, name) and not ({name} | groups_of(connection, name)).isdisjoint(names)


def who_may(connection: sa.Connection, right: Right, pack: str, environment: str) -> list[str]:
    """Everybody who has the right there now, by name."""
    holders = sa.select(GRANT.c.holder).where(
        GRANT.c.right == right.value, GRANT.c.pack.in_((EVERY, pack)), GRANT.c.environment.in_((EVERY, environment))
    )
    member = sa.select(MEMBER.c.person).where((sa.literal(GROUP_PREFIX) + MEMBER.c.group).in_(holders))
    them = (sa.literal(PERSON_PREFIX) + PERSON.c.name).in_(holders) | PERSON.c.name.in_(member)
    query = sa.select(PERSON.c.name).where(PERSON.c.off_at.is_(None), them).order_by(PERSON.c.name)
    return list(connection.execute(query).scalars())


def by_account(connection: sa.Connection, vendor_connection: str, accounts: Sequence[str]) -> str | None:
    """Whose account at a connection it is: the person's name, also of one who is off; None: nobody's. `accounts`: what
    the vendor calls the one (user name, email, id), the surest first; letters' case is no matter."""
    owners = {}
    for row in connection.execute(sa.select(PERSON.c.name, PERSON.c.email, PERSON.c.accounts)).mappings():
        owners[row["email"].casefold()] = row["name"]
        owners[(row["accounts"] or {}).get(vendor_connection, "").casefold()] = row["name"]
    asked = (account.strip().casefold() for account in accounts)
    return next((owners[account] for account in asked if account and account in owners), None)
