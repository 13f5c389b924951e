"""Takes JSON apart and names the place where it is not what Jira documents. Null means absent, as Jira sends it."""

from datetime import UTC, datetime
from typing import Any

from firstline.errors import Rejected


class Misshapen(Rejected):
    """It is not what Jira documents; the message names the place."""


def tree(value: Any, place: str) -> dict[str, Any]:
    """An object; absent is an empty one."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Misshapen(f"{place}: an object was expected, not {type(value).__name__}")
    return value


def rows(value: Any, place: str) -> list[dict[str, Any]]:
    """A list of objects; absent is an empty one."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise Misshapen(f"{place}: a list was expected, not {type(value).__name__}")
    return [tree(row, f"{place}[{index}]") for index, row in enumerate(value)]


def text(value: Any, place: str) -> str:
    """A text; a number is its digits, absent is empty."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise Misshapen(f"{place}: a text was expected, not {type(value).__name__}")
    return str(value)


def needed(value: Any, place: str) -> str:
    found = text(value, place)
    if not found:
        raise Misshapen(f"{place}: is missing")
    return found


def moment(value: Any, place: str) -> datetime | None:
    """A time with its zone, such as 2021-06-04T13:35:29.781+0200, in UTC; absent is None."""
    written = text(value, place)
    if not written:
        return None
    try:
        found = datetime.fromisoformat(written)
        if found.tzinfo is None:
            raise ValueError("it names no zone")
        return found.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Misshapen(f"{place}: {written[:40]!r} is not a time Jira writes: {error}") from error


def instant(value: Any, place: str) -> datetime | None:
    """Milliseconds since 1970, in UTC; absent is None. Atlassian's page shows a written time in one example."""
    if value is None:
        return None
    if isinstance(value, str) and not (value.isascii() and value.isdigit()):
        return moment(value, place)
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise Misshapen(f"{place}: milliseconds were expected, not {type(value).__name__}")
    try:
        return datetime.fromtimestamp(int(value) / 1000, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Misshapen(f"{place}: {str(value)[:40]} is not a time") from error
