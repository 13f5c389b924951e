"""The roll of people: added, changed, turned off, turned on. Each act is in the ledger, with the row it left."""

from collections.abc import Mapping
from itertools import product
from typing import Any

import sqlalchemy as sa

from firstline.access import name as names
from firstline.access.oneself import another
from firstline.access.person import PERSON_PREFIX, is_on
from firstline.errors import Rejected
from firstline.ledger import record
from firstline.ledger.facet import bind
from firstline.store.database import insert, one_at_a_time
from firstline.store.table import PERSON, PersonRow, now

CONTACTS = ("mailto:", "https://", "http://")


def add(
    connection: sa.Connection,
    name: str,
    *,
    by: str,
    email: str = "",
    accounts: Mapping[str, str] | None = None,
    contact: str = "",
) -> None:
    """Put a person on the roll; they may nothing yet. `accounts`: by connection, what they are called there. Raises
    `Rejected` when the name, email or an account is somebody's already."""
    one_at_a_time(connection)
    names.check(connection, name, "person")
    if known(connection, name):
        raise Rejected(f"there is a person {name!r} already")
    values = _checked(connection, name, email, accounts or {}, contact)
    insert(connection, PersonRow(name=name, **values))
    _tell(connection, name, "added", f"{name} was put on the roll", by)


def change(
    connection: sa.Connection,
    name: str,
    *,
    by: str,
    email: str | None = None,
    accounts: Mapping[str, str] | None = None,
    contact: str | None = None,
) -> None:
    """Change what is given of a person; an account that is empty is taken away."""
    one_at_a_time(connection)
    another(connection, by, PERSON_PREFIX + name)
    row = _row(connection, name)
    kept = {**(row["accounts"] or {}), **(accounts or {})}
    values = _checked(
        connection,
        name,
        row["email"] if email is None else email,
        {where: account for where, account in kept.items() if account},
        row["contact"] if contact is None else contact,
    )
    connection.execute(sa.update(PERSON).where(PERSON.c.name == name).values(**values))
    changed = [key for key, value in values.items() if value != row[key]]
    _tell(connection, name, "changed", f"{name}'s {', '.join(changed) or 'entry'} was set", by)


def turn_off(connection: sa.Connection, name: str, *, by: str, reason: str = "") -> None:
    """Somebody left, or must not act: they may nothing, at once; tokens and delegations open nothing."""
    _turn(connection, name, now(), "turned off", f"{name} may nothing any more", by, reason)


def turn_on(connection: sa.Connection, name: str, *, by: str, reason: str = "") -> None:
    """Somebody is back, with the grants, groups and living tokens they have."""
    another(connection, by, PERSON_PREFIX + name)
    _turn(connection, name, None, "turned on", f"{name} may again what was granted", by, reason)


def add_missing(connection: sa.Connection, name: str, *, by: str) -> None:
    """Add the person unless they are there."""
    if not known(connection, name):
        add(connection, name, by=by)


def known(connection: sa.Connection, name: str) -> bool:
    """Whether there is such a person, on or off."""
    return connection.execute(sa.select(PERSON.c.name).where(PERSON.c.name == name)).first() is not None


def _turn(connection: sa.Connection, name: str, off_at: Any, act: str, text: str, by: str, reason: str) -> None:
    one_at_a_time(connection)
    _row(connection, name)
    if is_on(connection, name) == (off_at is None):
        raise Rejected(f"{name} is {'on' if off_at is None else 'off'} already")
    connection.execute(sa.update(PERSON).where(PERSON.c.name == name).values(off_at=off_at))
    _tell(connection, name, act, f"{text}{f': {reason}' if reason else ''}", by)


def _row(connection: sa.Connection, name: str) -> sa.RowMapping:
    row = connection.execute(sa.select(PERSON).where(PERSON.c.name == name)).mappings().first()
    if row is None:
        raise Rejected(f"there is no person {name!r}")
    return row


def _checked(
    connection: sa.Connection, name: str, email: str, accounts: Mapping[str, str], contact: str
) -> dict[str, Any]:
    """An account is one person's: who opened an incident, and who approved its change, are found by it."""
    if contact and not contact.startswith(CONTACTS):
        raise Rejected(f"a contact begins with {' or '.join(CONTACTS)}")
    mine = {("", email), *accounts.items()}
    for row in connection.execute(sa.select(PERSON).where(PERSON.c.name != name)).mappings():
        theirs = {("", row["email"]), *(row["accounts"] or {}).items()}
        if both := next((one for one, other in product(mine, theirs) if _clash(one, other)), None):
            raise Rejected(f"{both[1]} is {row['name']}'s already")
    return {"email": email, "accounts": dict(accounts), "contact": contact}


def _clash(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Connection and account; an email, of no connection, may be an account at any."""
    (here, account), (there, theirs) = one, other
    return bool(account) and account.casefold() == theirs.casefold() and (here == there or not here or not there)


def _tell(connection: sa.Connection, name: str, act: str, text: str, by: str) -> None:
    record(connection, PERSON_PREFIX + name, act, text, by=by, rows=bind(connection, "person", name))
