"""Encoded queries (`sysparm_query`) that nobody's text can break out of. Pure."""

import re

from firstline.errors import Rejected

SYS_ID = re.compile(r"^[0-9a-f]{32}$")
TABLE = re.compile(r"^[a-z][a-z0-9_]{0,79}$")
FIELD = re.compile(r"^[a-z][a-z0-9_]{0,79}(\.[a-z][a-z0-9_]{0,79}){0,3}$")  # dots lead to what a reference points to

# `^` starts the next condition, and the vendor knows no escape for it; `javascript:` is evaluated on the instance.
_UNSAFE = re.compile(r"[\^\x00-\x1f\x7f]|^\s*javascript:", re.IGNORECASE)


def askable(value: str) -> bool:
    """True when the text can stand as a value in an encoded query."""
    return bool(value) and not _UNSAFE.search(value)


def where(*conditions: tuple[str, str, str]) -> str:
    """Join (field, operator, value) with AND. Raises `Rejected` for a value that would be read as a query."""
    for field, _, value in conditions:
        if not askable(value):
            raise Rejected(f"{value[:80]!r} can't be looked for in ServiceNow's field {field}: not a plain value")
    return "^".join(f"{field}{operator}{value}" for field, operator, value in conditions)


def sys_id(value: str) -> str:
    """The identifier itself, checked: a path is made of it."""
    if not SYS_ID.fullmatch(value):
        raise Rejected(f"{value[:80]!r} is no sys_id (32 hexadecimal digits)")
    return value


def table(name: str) -> str:
    """The table's name itself, checked: a path is made of it."""
    if not TABLE.fullmatch(name):
        raise Rejected(f"{name[:80]!r} is no table's name")
    return name
