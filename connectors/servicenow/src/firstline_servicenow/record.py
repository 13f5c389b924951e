"""Reads a ServiceNow record's fields, in each shape the vendor sends them. Pure.

One field comes as plain text (Table API), as `{"link", "value"}` (a reference), as `{"display_value", "value"}` (with
`sysparm_display_value=all`, and from our script), as the same with typed values such as `-5.0` or `true` (Change
Management API), as null, or not at all.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from firstline.errors import Rejected

Record = Mapping[str, Any]

MOMENT = "%Y-%m-%d %H:%M:%S"  # how the Table API writes a time: UTC, to the second


def value(record: Record, field: str) -> str:
    """The stored value as text: a reference's sys_id, a choice's number, a time in UTC. Empty when there is none."""
    found = record.get(field)
    if isinstance(found, Mapping):
        found = found.get("value", found.get("display_value"))
    return _text(found, field)


def shown(record: Record, field: str) -> str:
    """What people see: a reference's name, a choice's label. The stored value where no display value was sent."""
    found = record.get(field)
    if isinstance(found, Mapping) and found.get("display_value") not in (None, ""):
        return _text(found["display_value"], field)
    return value(record, field)


def number(record: Record, field: str) -> int | None:
    """A number from 1 to 5, as in `priority`; None when empty or outside."""
    first = value(record, field).strip()[:1]
    return int(first) if first in "12345" and first else None


def count(record: Record, field: str) -> int:
    """A whole number from zero on; zero when empty."""
    text = value(record, field)
    if not text:
        return 0
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise Rejected(f"{field}: {text[:40]!r} is no count")
    return int(text)


def moment(record: Record, field: str) -> datetime | None:
    """A time in UTC; None when empty. A zone that was sent is honoured; without one it is UTC, as documented."""
    text = value(record, field).strip()
    if not text:
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise Rejected(f"{field}: {text[:40]!r} is no time; expected YYYY-MM-DD HH:MM:SS in UTC") from None
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)


def written(when: datetime) -> str:
    """A time as the vendor takes it."""
    return when.astimezone(UTC).strftime(MOMENT)


def _text(found: Any, field: str) -> str:
    if found is None:
        return ""
    if isinstance(found, bool):
        return "true" if found else "false"
    if isinstance(found, float) and found.is_integer():
        return str(int(found))
    if isinstance(found, str | int | float):
        return str(found)
    raise Rejected(f"{field}: expected a text or a number, found {type(found).__name__}")
