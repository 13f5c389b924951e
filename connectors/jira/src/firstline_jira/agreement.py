"""Jira Service Management's service levels as agreements. Pure.

An issue's custom field and `GET request/{key}/sla` show the same object: name, ongoingCycle, completedCycles. A field's
number differs by site, so it is known by its shape."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from firstline.incident import Agreement

Tree = Mapping[str, Any]


def agreements(fields: Tree) -> tuple[Agreement, ...]:
    """Those that stand in an issue's fields."""
    return of([value for key, value in fields.items() if key.startswith("customfield_") and isinstance(value, dict)])


def of(found: Sequence[Tree]) -> tuple[Agreement, ...]:
    """Of objects that are such; others are left out, and those that never began."""
    return tuple(agreement for one in found if (agreement := _agreement(one)))


def _agreement(found: Tree) -> Agreement | None:
    name, ongoing, completed = found.get("name"), found.get("ongoingCycle"), found.get("completedCycles")
    if not isinstance(name, str) or not (isinstance(ongoing, dict) or isinstance(completed, list)):
        return None
    if isinstance(ongoing, dict):
        paused = ongoing.get("paused") is True
        return Agreement(
            name=name,
            breached=ongoing.get("breached") is True,
            due_at=None if paused else _moment(ongoing.get("breachTime")),
        )
    cycles = [cycle for cycle in completed or [] if isinstance(cycle, dict)]
    return Agreement(name=name, breached=any(cycle.get("breached") is True for cycle in cycles)) if cycles else None


def _moment(value: Any) -> datetime | None:
    epoch = value.get("epochMillis") if isinstance(value, dict) else None
    if isinstance(epoch, bool) or not isinstance(epoch, int):
        return None
    try:
        return datetime.fromtimestamp(epoch / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
