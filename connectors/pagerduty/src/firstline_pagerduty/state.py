"""Moving an incident: acknowledge, resolve, reopen, escalate (PagerDuty REST API, "Update an incident")."""

from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any, Literal

from firstline.connector import StateChange
from firstline.errors import Rejected
from firstline_pagerduty.rest import Refused, Rest

ALREADY = {1001, 1002}  # "Errors": Incident Already Resolved, Incident Already Acknowledged
Found = dict[str, Any]


async def move(rest: Rest, incident: str, change: StateChange, own_user_id: str) -> None:
    """Read the incident, and move it unless it is there already. Raises `Rejected` when it can't be moved, or when
    PagerDuty answers well and it did not move."""
    found = await _read(rest, incident)
    if change.to == "escalated":
        await _escalate(rest, found, own_user_id)
    else:
        await _MOVES[change.to](rest, found, change.reason)


async def _acknowledge(rest: Rest, found: Found, _: str) -> None:
    if found["status"] == "resolved":
        # PagerDuty would reopen it ("Update an incident", `status`).
        raise Rejected(f"{_name(found)} is resolved: acknowledging would reopen it. Reopen it first if that is meant")
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
        answer = await _write(rest, found, fields)
    except Refused as refusal:
        if refusal.code not in ALREADY:
            raise
        answer = await _read(rest, found["id"])  # somebody moved it since we read it: perhaps to where we want it
    if answer["status"] not in wanted:
        raise Rejected(f"PagerDuty took {fields} for {_name(found)}, but its status is {answer['status']!r}")


async def _escalate(rest: Rest, found: Found, own_user_id: str) -> None:
    """To the next level of its escalation policy on which somebody else is on call. PagerDuty then notifies them."""
    if found["status"] == "resolved":
        raise Rejected(f"{_name(found)} is resolved: there is nothing to escalate")
    if found["status"] == "triggered" and await _waits_escalated(rest, found, own_user_id):
        return
    level, users = await _next_level(rest, found)
    answer = await _write(rest, found, {"escalation_level": level})
    if not _assignees(answer) & users:
        raise Rejected(f"PagerDuty took the escalation of {_name(found)} to level {level}, but nobody there has it")


async def _waits_escalated(rest: Rest, found: Found, own_user_id: str) -> bool:
    """Whether it was escalated, by us if we know ourselves, and nobody has answered since: then an escalation that was
    called for again would only wake one more person."""
    answer = await rest.get(f"/incidents/{found['id']}/log_entries", is_overview="true", limit=100)
    entries = sorted(answer.get("log_entries") or (), key=lambda entry: str(entry.get("created_at")), reverse=True)
    turns = (entry for entry in entries if entry.get("type") in _TURNS)
    last: dict[str, Any] = next(turns, {})
    by_us = not own_user_id or (last.get("agent") or {}).get("id") == own_user_id
    return last.get("type") == "escalate_log_entry" and by_us


_TURNS = {
    "trigger_log_entry",
    "acknowledge_log_entry",
    "unacknowledge_log_entry",
    "escalate_log_entry",
    "assign_log_entry",
    "delegate_log_entry",
    "resolve_log_entry",
}


async def _next_level(rest: Rest, found: Found) -> tuple[int, set[str]]:
    """The level after the lowest one that the assignees stand on, and who is on call there. Assignees on no level (it
    was given to them directly) count as below the first."""
    policy = (found.get("escalation_policy") or {}).get("id")
    if not policy:
        raise Rejected(f"{_name(found)} has no escalation policy")
    answer = await rest.get("/oncalls", escalation_policy_ids__=policy, limit=100)
    levels: dict[int, set[str]] = defaultdict(set)
    for oncall in answer.get("oncalls") or ():
        if user := (oncall.get("user") or {}).get("id"):
            levels[int(oncall["escalation_level"])].add(str(user))
    assigned = _assignees(found)
    now = min((level for level, users in levels.items() if users & assigned), default=0)
    for level in sorted(level for level in levels if level > now):
        if levels[level] - assigned:
            return level, levels[level]
    raise Rejected(f"{_name(found)} is on level {now} and nobody else is on call above it: there is no next level")


async def _read(rest: Rest, incident: str) -> Found:
    return _incident(await rest.get(f"/incidents/{incident}"))


async def _write(rest: Rest, found: Found, fields: dict[str, Any]) -> Found:
    body = {"incident": {"type": "incident_reference", **fields}}
    return _incident(await rest.put(f"/incidents/{found['id']}", body))


def _incident(answer: dict[str, Any]) -> Found:
    found = answer.get("incident")
    if not isinstance(found, dict) or not {"id", "status"} <= found.keys():
        raise Rejected("PagerDuty's answer names no incident with an id and a status")
    return found


def _assignees(found: Found) -> set[str]:
    assignees = (one.get("assignee") or {} for one in found.get("assignments") or ())
    return {str(one["id"]) for one in assignees if one.get("id")}


def _name(found: Found) -> str:
    return f"incident #{found.get('incident_number') or found['id']}"
