"""Moving an incident: acknowledge, resolve, reopen (PagerDuty REST API, "Update an incident")."""

from collections.abc import Awaitable, Callable
from typing import Any, Literal

from firstline.connector import StateChange
from firstline.errors import Rejected
from firstline_pagerduty.assignment import escalate, reassign
from firstline_pagerduty.incident import Found, name, read, write
from firstline_pagerduty.rest import Refused, Rest

ALREADY = {1001, 1002}  # "Errors": Incident Already Resolved, Incident Already Acknowledged


async def move(rest: Rest, incident: str, change: StateChange, own_user_id: str) -> None:
    """Read the incident, and move it unless it is there already. Raises `Rejected` when it can't be moved, or when
    PagerDuty answers well and it did not move."""
    found = await read(rest, incident)
    if change.to == "escalated":
        await escalate(rest, found, own_user_id)
    elif change.to == "reassigned":
        await reassign(rest, found, change.assignee)
    else:
        await _MOVES[change.to](rest, found, change.reason)


async def _acknowledge(rest: Rest, found: Found, _: str) -> None:
    if found["status"] == "resolved":
        # PagerDuty would reopen it ("Update an incident", `status`).
        raise Rejected(f"{name(found)} is resolved: acknowledging would reopen it. Reopen it first if that is meant")
    if found["status"] != "acknowledged":
        await _set(rest, found, {"status": "acknowledged"}, {"acknowledged"})


async def _resolve(rest: Rest, found: Found, reason: str) -> None:
    if found["status"] != "resolved":
        await _set(rest, found, {"status": "resolved"} | ({"resolution": reason} if reason else {}), {"resolved"})


async def _reopen(rest: Rest, found: Found, _: str) -> None:
    if found["status"] == "resolved":
        await _set(rest, found, {"status": "triggered"}, {"triggered", "acknowledged"})


_Status = Literal["acknowledged", "resolved", "reopened"]
_MOVES: dict[_Status, Callable[[Rest, Found, str], Awaitable[None]]] = {
    "acknowledged": _acknowledge,
    "resolved": _resolve,
    "reopened": _reopen,
}


async def _set(rest: Rest, found: Found, fields: dict[str, Any], wanted: set[str]) -> None:
    try:
        answer = await write(rest, found, fields)
    except Refused as refusal:
        if refusal.code not in ALREADY:
            raise
        answer = await read(rest, found["id"])  # somebody moved it since we read it: perhaps to where we want it
    if answer["status"] not in wanted:
        raise Rejected(f"PagerDuty took {fields} for {name(found)}, but its status is {answer['status']!r}")
