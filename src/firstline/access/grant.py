"""Rights given to people and groups, and taken from them. Each act is in the ledger, with the rows it left."""

from collections.abc import Collection

import sqlalchemy as sa

from firstline.access import name as names
from firstline.access.oneself import another
from firstline.access.person import GROUP_PREFIX, PERSON_PREFIX
from firstline.access.right import EVERY, Right
from firstline.access.roll import known
from firstline.errors import Rejected
from firstline.ledger import record
from firstline.ledger.facet import bind, unbind
from firstline.store.database import insert, one_at_a_time
from firstline.store.table import GRANT, MEMBER, GrantRow


def grant(
    connection: sa.Connection,
    holder: str,
    rights: Collection[Right],
    *,
    by: str,
    pack: str = EVERY,
    environment: str = EVERY,
) -> None:
    """Give a holder rights for a pack and an environment. Raises `Rejected` when it has them all there already."""
    one_at_a_time(connection)
    another(connection, by, holder)
    if not (new := _lacking(connection, holder, rights, pack, environment)):
        raise Rejected(f"{holder} has that already {where(pack, environment)}")
    rows = [GrantRow(holder=holder, right=right.value, pack=pack, environment=environment) for right in new]
    insert(connection, *rows)
    bound = bind(connection, "grant", *(row.id for row in rows))
    text = f"{holder} may {', '.join(new)} {where(pack, environment)}"
    record(connection, holder, "granted", text, by=by, rows=bound)


def revoke(
    connection: sa.Connection,
    holder: str,
    rights: Collection[Right],
    *,
    by: str,
    pack: str = EVERY,
    environment: str = EVERY,
) -> None:
    """Take grants away, as they were given. Raises `Rejected` when the holder has none of them so: a grant for all
    packs is not taken away for one."""
    one_at_a_time(connection)
    theirs = _of(holder, pack, environment) & GRANT.c.right.in_([right.value for right in rights])
    rows = connection.execute(sa.select(GRANT.c.id, GRANT.c.right).where(theirs)).all()
    if not rows:
        raise Rejected(f"{holder} was not granted that {where(pack, environment)}")
    connection.execute(sa.delete(GRANT).where(theirs))
    bound = unbind("grant", *(row.id for row in rows))
    text = f"{holder} was granted {', '.join(row.right for row in rows)} {where(pack, environment)}, and is no more"
    record(connection, holder, "revoked", text, by=by, rows=bound)


def grant_missing(connection: sa.Connection, holder: str, rights: Collection[Right], *, by: str) -> None:
    """Give a holder those rights everywhere that it lacks everywhere."""
    if new := _lacking(connection, holder, rights, EVERY, EVERY):
        grant(connection, holder, new, by=by)


def holder_of(connection: sa.Connection, name: str) -> str:
    """`person:ann` or `group:sre` for a name, with or without what it is. Raises `Rejected` when it is nobody's; a
    group that is named as one may be empty yet."""
    if name.startswith(GROUP_PREFIX):
        names.check(connection, name.removeprefix(GROUP_PREFIX), "group")
        return name
    plain = name.removeprefix(PERSON_PREFIX)
    if known(connection, plain):
        return PERSON_PREFIX + plain
    if name == plain and connection.execute(sa.select(MEMBER).where(MEMBER.c.group == name)).first():
        return GROUP_PREFIX + name
    raise Rejected(f"there is no person and no group {name!r}; a group that is empty yet is named group:{plain}")


def where(pack: str, environment: str) -> str:
    """For people."""
    places = (("pack", pack), ("environment", environment))
    named = [f"{kind} {name}" for kind, name in places if name != EVERY]
    return f"in {' and '.join(named)}" if named else "everywhere"


def _lacking(
    connection: sa.Connection, holder: str, rights: Collection[Right], pack: str, environment: str
) -> list[Right]:
    had = set(connection.execute(sa.select(GRANT.c.right).where(_of(holder, pack, environment))).scalars())
    return [right for right in Right if right in rights and right.value not in had]


def _of(holder: str, pack: str, environment: str) -> sa.ColumnElement[bool]:
    return sa.and_(GRANT.c.holder == holder, GRANT.c.pack == pack, GRANT.c.environment == environment)
