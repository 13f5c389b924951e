"""Finds functions among the installed packages, by entry point: nothing else can be called."""

from importlib.metadata import EntryPoint, entry_points
from typing import Any

from firstline.errors import Rejected
from firstline.function import GROUP


def names() -> list[str]:
    return sorted({point.name for point in entry_points(group=GROUP)})


def find(name: str) -> EntryPoint:
    """Raises `Rejected` when there is none, or more than one."""
    found = {point.value: point for point in entry_points(group=GROUP, name=name)}
    if not found:
        raise Rejected(f"no installed package has a function {name!r}; there are: {', '.join(names()) or 'none'}")
    if len(found) > 1:
        raise Rejected(f"several packages have a function {name!r}: {', '.join(sorted(found))}")
    return found.popitem()[1]


def load(value: str) -> Any:
    """What an entry point names, imported. Raises `Rejected`, whatever the import raises."""
    try:
        return EntryPoint(name=value, value=value, group=GROUP).load()
    except Exception as error:  # noqa: BLE001 - others' code
        raise Rejected(f"{value} can't be imported: {type(error).__name__}: {error}") from None
