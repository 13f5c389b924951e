"""Moves an incident's issue through the site's own workflow, and reads it back."""

from collections.abc import Mapping
from typing import Any

from firstline.connector import StateChange
from firstline.errors import Rejected
from firstline.incident import Reference
from firstline_jira import transition as transitions
from firstline_jira.edit import Fields
from firstline_jira.issue import category, named
from firstline_jira.marker import ESCALATED, issue_id
from firstline_jira.rest import Rest
from firstline_jira.settings import JiraSettings
from firstline_jira.site import Site
from firstline_jira.transition import TARGETS, Goal

Tree = dict[str, Any]

READ = "status,priority,resolution"


class Workflow:
    def __init__(self, settings: JiraSettings, rest: Rest, site: Site, fields: Fields) -> None:
        self._settings = settings
        self._rest = rest
        self._site = site
        self._fields = fields

    async def set_state(self, reference: Reference, change: StateChange) -> None:
        issue = issue_id(reference)
        if change.to == "escalated":
            await self._escalate(issue)
        elif change.to == "reassigned":
            await self._fields.assign(reference, change.assignee)
        else:
            await self._reach(issue, change.to, change.reason)

    async def _reach(self, issue: str, goal: Goal, reason: str) -> None:
        before = (await self._rest.issue(issue, fields=READ))["fields"]
        if _is_there(before, goal):
            return
        offered = await self._rest.transitions(issue)
        chosen = transitions.choose(offered, goal, self._settings.transitions.get(goal, ""))
        await self.take(issue, chosen, reason)
        after = (await self._rest.issue(issue, fields=READ))["fields"]
        if not _is_there(after, goal):
            raise Rejected(
                f"Jira accepted the transition {transitions.label(chosen)!r}, but the issue is "
                f"{_status(after)!r}, which is not {goal}: a post function or automation rule may have moved it on"
            )

    async def take(self, issue: str, chosen: Tree, reason: str, values: Mapping[str, str] | None = None) -> None:
        """Take a transition, with `values` (by name or id) where its screen has the fields. `Rejected` names it and the
        likely rule."""
        settings = self._settings
        filled = {**(values or {}), **settings.transition_fields}
        request = transitions.details(chosen, reason, settings.resolution, filled, self._site.edition)
        try:
            await self._site.transition(issue, request)
        except Rejected as refusal:
            wants = transitions.unfilled(chosen, request.get("fields", {}))
            missing = f"its screen requires {', '.join(wants)}, for which transition_fields has a place"
            rule = missing if wants else "a validator or condition of the workflow"
            raise Rejected(
                f"the transition {transitions.label(chosen)!r} to {transitions.target(chosen)!r} was refused, likely "
                f"by this rule: {rule}. {refusal}"
            ) from refusal

    async def _escalate(self, issue: str) -> None:
        """Raise the priority by one step, once. The mark is written with the priority in one request, so that a repeat
        finds it; when somebody changes the priority afterwards, the next escalation raises it again."""
        found = await self._rest.issue(issue, fields=READ, properties=ESCALATED)
        current = _priority_id(found["fields"])
        if current and _mark(found) == current:
            return
        higher = _step_up(await self._rest.priorities(), current)
        if not higher:
            return
        await self._site.edit(
            issue,
            {"fields": {"priority": {"id": higher}}, "properties": [{"key": ESCALATED, "value": {"to": higher}}]},
        )
        after = (await self._rest.issue(issue, fields=READ))["fields"]
        if _priority_id(after) != higher:
            raise Rejected("Jira accepted a higher priority and kept the old one: is Priority on the edit screen?")


def _is_there(fields: Mapping[str, Any], goal: Goal) -> bool:
    """Raises `Rejected` for acknowledging what is done already: in Jira that would reopen it."""
    now = category(fields)
    if goal == "acknowledged" and now == "done":
        raise Rejected(f"the issue is {_status(fields)!r} already; acknowledging it would reopen it")
    return now in TARGETS[goal]


def _status(fields: Mapping[str, Any]) -> str:
    return named(fields.get("status"), "fields.status")


def _priority_id(fields: Mapping[str, Any]) -> str:
    return str((fields.get("priority") or {}).get("id") or "")


def _mark(issue: Mapping[str, Any]) -> str:
    value = (issue.get("properties") or {}).get(ESCALATED)
    return str(value.get("to") or "") if isinstance(value, dict) else ""


def _step_up(priorities: list[Tree], current: str) -> str:
    """The id of the priority above; empty at the top. Jira lists them from the highest down. An issue without a
    priority is raised to the lowest."""
    ids = [str(row.get("id")) for row in priorities]
    position = ids.index(current) if current in ids else len(ids)
    return ids[position - 1] if position > 0 else ""
