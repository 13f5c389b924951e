"""Who has an incident: up to the next level, or to a user or escalation policy that somebody named (PagerDuty REST
API, "Update an incident")."""

from collections import defaultdict
from typing import Any

from firstline.errors import Rejected
from firstline_pagerduty.incident import Found, assignees, name, write
from firstline_pagerduty.rest import Rest

_TURNS = {
    "trigger_log_entry",
    "acknowledge_log_entry",
    "unacknowledge_log_entry",
    "escalate_log_entry",
    "assign_log_entry",
    "delegate_log_entry",
    "resolve_log_entry",
}


async def escalate(rest: Rest, found: Found, own_user_id: str) -> None:
    """To the next level of its escalation policy on which somebody else is on call. PagerDuty then notifies them."""
    if found["status"] == "resolved":
        raise Rejected(f"{name(found)} is resolved: there is nothing to escalate")
    if found["status"] == "triggered" and await _waits_escalated(rest, found, own_user_id):
        return
    level, users = await _next_level(rest, found)
    answer = await write(rest, found, {"escalation_level": level})
    if not assignees(answer) & users:
        raise Rejected(f"PagerDuty took the escalation of {name(found)} to level {level}, but nobody there has it")


async def reassign(rest: Rest, found: Found, assignee: str) -> None:
    """To a user, by e-mail address, id or full name; else to an escalation policy, by id or name."""
    if found["status"] == "resolved":
        raise Rejected(f"{name(found)} is resolved: it can be assigned to nobody")
    if user := await _named(rest, "users", assignee):
        await _to_user(rest, found, user)
    elif policy := await _named(rest, "escalation_policies", assignee):
        await _to_policy(rest, found, policy)
    else:
        raise Rejected(
            f"no user and no escalation policy of this account is {assignee!r} by e-mail address, id or name"
        )


async def _to_user(rest: Rest, found: Found, user: str) -> None:
    if assignees(found) == {user}:
        return
    assignment = {"assignee": {"id": user, "type": "user_reference"}}
    answer = await write(rest, found, {"assignments": [assignment]})
    if user not in assignees(answer):
        raise Rejected(f"PagerDuty took the assignment of {name(found)} to user {user}, who does not have it")


async def _to_policy(rest: Rest, found: Found, policy: str) -> None:
    if _policy(found) == policy and found.get("assigned_via") != "direct_assignment":
        return
    answer = await write(rest, found, {"escalation_policy": {"id": policy, "type": "escalation_policy_reference"}})
    if _policy(answer) != policy:
        raise Rejected(f"PagerDuty took escalation policy {policy} for {name(found)}, which has another")


async def _named(rest: Rest, kind: str, text: str) -> str:
    """The id of the one that is so called; empty: none. `query` matches parts of names (and of users' addresses), so
    what it brings is compared whole; an id is looked for among all."""
    for params in ({"query": text}, {}):
        rows = (await rest.get(f"/{kind}", limit=100, **params)).get(kind) or ()
        fitting = [row for row in rows if isinstance(row, dict) and _is_called(row, text)]
        if len(fitting) > 1:
            raise Rejected(f"{len(fitting)} {kind.replace('_', ' ')} are called {text!r}: give an id")
        if fitting:
            return str(fitting[0]["id"])
    return ""


def _is_called(row: dict[str, Any], text: str) -> bool:
    names = {str(row.get(field) or "").lower() for field in ("email", "name", "summary")} - {""}
    return row.get("id") == text or text.lower() in names


async def _waits_escalated(rest: Rest, found: Found, own_user_id: str) -> bool:
    """Whether it was escalated, by us if we know ourselves, and nobody has answered since: then an escalation that was
    called for again would only wake one more person."""
    answer = await rest.get(f"/incidents/{found['id']}/log_entries", is_overview="true", limit=100)
    entries = sorted(answer.get("log_entries") or (), key=lambda entry: str(entry.get("created_at")), reverse=True)
    turns = (entry for entry in entries if entry.get("type") in _TURNS)
    last: dict[str, Any] = next(turns, {})
    by_us = not own_user_id or (last.get("agent") or {}).get("id") == own_user_id
    return last.get("type") == "escalate_log_entry" and by_us


async def _next_level(rest: Rest, found: Found) -> tuple[int, set[str]]:
    """The level after the lowest one that the assignees stand on, and who is on call there. Assignees on no level (it
    was given to them directly) count as below the first."""
    policy = _policy(found)
    if not policy:
        raise Rejected(f"{name(found)} has no escalation policy")
    answer = await rest.get("/oncalls", escalation_policy_ids__=policy, limit=100)
    levels: dict[int, set[str]] = defaultdict(set)
    for oncall in answer.get("oncalls") or ():
        if user := (oncall.get("user") or {}).get("id"):
            levels[int(oncall["escalation_level"])].add(str(user))
    assigned = assignees(found)
    now = min((level for level, users in levels.items() if users & assigned), default=0)
    for level in sorted(level for level in levels if level > now):
        if levels[level] - assigned:
            return level, levels[level]
    raise Rejected(f"{name(found)} is on level {now} and nobody else is on call above it: there is no next level")


def _policy(found: Found) -> str:
    return str((found.get("escalation_policy") or {}).get("id") or "")
