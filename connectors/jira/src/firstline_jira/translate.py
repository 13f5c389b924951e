"""Webhook bodies, and what polls brought, → events. Webhooks have the REST v2 shape, Cloud and Data Center alike
(Atlassian, "Webhooks"). Pure."""

import json
from collections.abc import Mapping, Set
from datetime import datetime
from typing import Any

from firstline.connector import Delivery
from firstline.errors import Rejected
from firstline.incident import Event, EventType
from firstline_jira import issue as issues
from firstline_jira import polled
from firstline_jira.issue import View
from firstline_jira.marker import note_key
from firstline_jira.polled import Told
from firstline_jira.shape import Misshapen, instant, moment, needed, rows, text, tree

TRANSITION = "transition"  # what a workflow's post function sends names no event, but this
_COMMENTED = {
    "comment_created": "created",
    "comment_updated": "updated",
    "comment_deleted": "deleted",
    "issue_commented": "created",
    "issue_comment_edited": "updated",
    "issue_comment_deleted": "deleted",
}


def translate(delivery: Delivery, view: View, own: Set[str]) -> list[Event]:
    """`own` holds the ids and logins of our account. Raises `Rejected`, naming the place, for what Jira never sends."""
    body = _parse(delivery.body)
    told = polled.told(body) if delivery.polled else [Told(body)]
    happenings = [_Happening(one, delivery.received_at, view) for one in told]
    return [happening.event(own) for happening in happenings if not happening.is_half]


def _parse(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise Rejected(f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise Rejected(f"the body: an object was expected, not {type(body).__name__}")
    return body


class _Happening:
    """One body, taken apart."""

    def __init__(self, told: Told, received_at: datetime, view: View) -> None:
        body = self.body = told.body
        self.view = view
        moved = isinstance(body.get("transition"), dict)
        self.name = needed(body.get("webhookEvent") or (TRANSITION if moved else None), "webhookEvent")
        self.kind = text(body.get("issue_event_type_name"), "issue_event_type_name")
        self.issue = tree(body.get("issue"), "issue")
        self.fields = tree(self.issue.get("fields"), "issue.fields")
        words = moved and isinstance(body.get("comment"), str)
        self.comment = {} if words else tree(body.get("comment"), "comment")
        self.changelog = tree(body.get("changelog"), "changelog")
        self.changes = _changes(self.changelog)
        self.before = told.before
        self.after = told.after or issues.category(self.fields)
        if moved:
            self.changes.setdefault("status", {})
        self.at = instant(body.get("timestamp"), "timestamp") or received_at
        if self.name.startswith(("jira:issue_", TRANSITION)) and not self.issue:
            raise Misshapen("issue: is missing")

    @property
    def is_half(self) -> bool:
        """Data Center's webhook of a comment names no issue; the `jira:issue_updated` that is sent with it does, and
        tells the same. Taken for an event, this one would come first and shadow it."""
        return bool(self.comment) and not self.issue and self.name in _COMMENTED

    def event(self, own: Set[str]) -> Event:
        actor = self._actor()
        is_incident = bool(self.issue) and self.view.is_incident(self.issue)
        return Event(
            id=self._id(),
            type=self._type() if is_incident or not self.issue else self._other_type(),
            vendor_type=f"{self.name}/{self.kind}" if self.kind else self.name,
            reference=self.view.reference(self.issue) if self.issue else None,
            occurred_at=self.at,
            incident=self.view.incident(self.issue) if is_incident else None,
            actor=actor,
            own=bool(actor) and actor in own,
            marker=note_key(self.comment),
            data=self.body,
        )

    def _other_type(self) -> EventType:
        return "change.updated" if self.view.is_change(self.issue) else "other"

    def _actor(self) -> str:
        """Comments carry their author; the rest names the user beside the issue."""
        remark = self._remark()
        author = self.comment.get("author") if remark == "created" else self.comment.get("updateAuthor")
        source = None if remark == "deleted" else author or self.comment.get("author")
        return issues.account(source, "comment.author") or issues.account(self.body.get("user"), "user")

    def _remark(self) -> str:
        """What happened to a comment: created, updated, deleted; empty when this is about something else. Old servers
        name no event type: a comment without a changelog tells it."""
        found = _COMMENTED.get(self.name) or _COMMENTED.get(self.kind)
        if found or not self.comment or self.changes or self.kind or self.name != "jira:issue_updated":
            return found or ""
        return "created" if self.comment.get("created") == self.comment.get("updated") else "updated"

    def _id(self) -> str:
        """Made from what webhooks and searches both show: the comment, the entry of the changelog, the issue."""
        remark = self._remark()
        if remark and self.comment:
            comment = needed(self.comment.get("id"), "comment.id")
            edited = moment(self.comment.get("updated"), "comment.updated") if remark == "updated" else None
            return f"comment:{comment}:{remark}" + (f":{_ms(edited)}" if edited else "")
        if not self.issue:
            return f"{self.name}:{_ms(self.at)}"
        issue = needed(self.issue.get("id"), "issue.id")
        if self.name in ("jira:issue_created", "jira:issue_deleted"):
            return f"issue:{issue}:{self.name.removeprefix('jira:issue_')}"
        if changelog := text(self.changelog.get("id"), "changelog.id"):
            return f"issue:{issue}:changelog:{changelog}"
        updated = moment(self.fields.get("updated"), "issue.fields.updated") or self.at
        return f"issue:{issue}:{self.name.removeprefix('jira:issue_')}:{_ms(updated)}"

    def _type(self) -> EventType:
        if self.name == "jira:issue_created":
            return "incident.opened"
        if self._remark():
            return "incident.commented"
        return self._change_type() if self.name in ("jira:issue_updated", TRANSITION) else "other"

    def _change_type(self) -> EventType:
        done = self.after == "done"
        status, resolution = "status" in self.changes, self.changes.get("resolution")
        given = text((resolution or {}).get("to"), "changelog.resolution.to")
        had = text((resolution or {}).get("from"), "changelog.resolution.from")
        if done and status:
            return "incident.closed" if not resolution and self._was_done() else "incident.resolved"
        if done and given and not had:
            return "incident.resolved"
        if self.kind == "issue_reopened" or (resolution and not given and not done):
            return "incident.reopened"
        return "incident.escalated" if _raised(self.changes.get("priority")) else "incident.updated"

    def _was_done(self) -> bool:
        """Whether the status it left was of category Done too: it had a resolution, and this did not give it one."""
        if self.before:
            return self.before == "done"
        return self.kind == "issue_closed" or bool(self.fields.get("resolution"))


def _changes(changelog: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    found = rows(changelog.get("items"), "changelog.items")
    return {text(row.get("field"), f"changelog.items[{i}].field").casefold(): row for i, row in enumerate(found)}


def _raised(change: Mapping[str, Any] | None) -> bool:
    """Whether the priority went up, which is how an issue is escalated in Jira."""
    if change is None:
        return False
    before, after = (
        issues.priority(text(change.get(key), f"changelog.priority.{key}")) for key in ("fromString", "toString")
    )
    return before is not None and after is not None and after < before


def _ms(when: datetime) -> int:
    return round(when.timestamp() * 1000)
