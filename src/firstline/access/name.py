"""What people and groups may be called. Names stand in runbooks, in the ledger and on tickets."""

import re
import unicodedata

import sqlalchemy as sa

from firstline.errors import Rejected
from firstline.ledger.entry import HUB
from firstline.store.table import MEMBER, PERSON

# No colon and no slash: `os:ann` in the ledger is nobody's name, and a row's label there has its key apart.
_NAME = re.compile(r"\w(?:[\w .@+'-]{0,98}[\w.])?")


def check(connection: sa.Connection, name: str, kind: str) -> None:
    """Raises `Rejected` unless a person or group (`kind`) can be called so. Runbooks name people and groups alike: no
    name is both, and none differs from another by the case of letters only."""
    if not _NAME.fullmatch(name) or unicodedata.normalize("NFC", name) != name or name.casefold() == HUB:
        raise Rejected(f"a {kind} can't be called {name!r}: letters, digits, spaces and . _ @ + ' - make a name")
    for other, column in (("person", PERSON.c.name), ("group", MEMBER.c.group)):
        for taken in connection.execute(sa.select(column).distinct()).scalars():
            if taken.casefold() == name.casefold() and (other, taken) != (kind, name):
                raise Rejected(f"there is a {other} {taken!r} already")
