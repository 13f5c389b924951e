"""Numbers without gaps: whoever counts our records sees that none is missing."""

import sqlalchemy as sa

from firstline.store.database import insert_or
from firstline.store.table import COUNTER


def hold(connection: sa.Connection, name: str) -> int:
    """The last number that was given. Until the transaction ends nobody else is told, on either database."""
    # A write, although it changes nothing: reading alone makes nobody wait on SQLite.
    insert_or(connection, COUNTER, [{"name": name, "last": 0}], ["name"], {"name"})
    last: int = connection.execute(sa.select(COUNTER.c.last).where(COUNTER.c.name == name)).scalar_one()
    return last


def give(connection: sa.Connection, name: str) -> int:
    """The next number. It is given in the transaction of the record that has it: undone with it, there is no gap."""
    number = hold(connection, name) + 1
    connection.execute(sa.update(COUNTER).where(COUNTER.c.name == name).values(last=number))
    return number
