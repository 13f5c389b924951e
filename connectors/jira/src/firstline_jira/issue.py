"""An issue, from a webhook (text) or REST v3 (documents), as our incident. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from firstline.incident import Incident, IncidentState, Reference
from firstline_jira import adf, item
from firstline_jira.agreement import agreements
from firstline_jira.link import links
from firstline_jira.settings import JiraSettings
from firstline_jira.shape import moment, needed, rows, text, tree

ISSUE = "issue"
CHANGE = "change"

# Status categories are fixed by Jira (REST v3, GET /statuscategory); statuses are each site's own.
STATES = {"new": IncidentState.OPEN, "indeterminate": IncidentState.ACKNOWLEDGED, "done": IncidentState.RESOLVED}

# Jira's own statuses; servers before 6.2 sent no category.
OLD_STATUSES = {
    "open": "new",
    "reopened": "new",
    "in progress": "indeterminate",
    "resolved": "done",
    "closed": "done",
}

PRIORITIES = {
    # Cloud's names, the older ones of Server, and those of incident response
    "highest": 1, "high": 2, "medium": 3, "low": 4, "lowest": 5,
    "blocker": 1, "critical": 2, "major": 3, "minor": 4, "trivial": 5,
    "p1": 1, "p2": 2, "p3": 3, "p4": 4, "p5": 5,
}  # fmt: skip


@dataclass(frozen=True)
class View:
    """What turns issues of one connection into our words."""

    connection: str
    settings: JiraSettings

    def reference(self, issue: Mapping[str, Any], place: str = "issue") -> Reference:
        key = text(issue.get("key"), f"{place}.key")
        return Reference(
            connection=self.connection,
            kind=CHANGE if self.is_change(issue, place) else ISSUE,
            id=needed(issue.get("id"), f"{place}.id"),
            number=key,
            url=f"{self.settings.base_url}/browse/{key}" if key else "",
        )

    def is_change(self, issue: Mapping[str, Any], place: str = "issue") -> bool:
        change = self.settings.change
        if change is None:
            return False
        fields = tree(issue.get("fields"), f"{place}.fields")
        wanted = {
            name.casefold() for name in (change.request_type, change.issue_type, f"[System] {change.request_type}")
        }
        mine = project(fields, place) == change.project
        return mine and any(name.casefold() in wanted for name in kinds(fields, place))

    def _is_named(self, issue: Mapping[str, Any], place: str) -> bool:
        found = project(tree(issue.get("fields"), f"{place}.fields"), place)
        return not self.settings.projects or not found or found in self.settings.projects

    def is_incident(self, issue: Mapping[str, Any], place: str = "issue") -> bool:
        """An issue of the change project that is brought because of its changes alone is none."""
        if self.is_change(issue, place) or not self._is_named(issue, place):
            return False
        wanted = {name.casefold() for name in self.settings.incident_types}
        found = kinds(tree(issue.get("fields"), f"{place}.fields"), place)
        return not wanted or any(name.casefold() in wanted for name in found)

    def incident(self, issue: Mapping[str, Any], place: str = "issue") -> Incident:
        """`version` is the time of the last change in ms; 0 when the issue came without it (Cloud's comments carry six
        fields), so that it never overwrites a fuller view."""
        fields = tree(issue.get("fields"), f"{place}.fields")
        at = f"{place}.fields"
        updated = moment(fields.get("updated"), f"{at}.updated")
        components = rows(fields.get("components"), f"{at}.components")
        return Incident(
            reference=self.reference(issue, place),
            title=text(fields.get("summary"), f"{at}.summary"),
            description=adf.plain(fields.get("description")),
            state=state(fields, place),
            priority=priority(named(fields.get("priority"), f"{at}.priority")),
            ci=item.name(fields.get(self.settings.ci)),
            service=next((name for c in components if (name := named(c, f"{at}.components"))), ""),
            group=organization(fields),
            category=next(iter(kinds(fields, place)), ""),
            subcategory=named(fields.get("issuetype"), f"{at}.issuetype"),
            caller=person(fields.get("reporter"), f"{at}.reporter"),
            opened_at=moment(fields.get("created"), f"{at}.created"),
            updated_at=updated,
            version=round(updated.timestamp() * 1000) if updated else 0,
            agreements=agreements(fields),
            links=links(fields, self.settings.links),
            data=dict(issue),
        )


def project(fields: Mapping[str, Any], place: str = "issue") -> str:
    """The project's key; empty where the issue came without it."""
    return text(tree(fields.get("project"), f"{place}.fields.project").get("key"), f"{place}.fields.project.key")


def named(value: Any, place: str) -> str:
    """An object's name; one example of Atlassian's webhooks has the name where the object usually is."""
    if isinstance(value, str):
        return value
    return text(tree(value, place).get("name"), f"{place}.name")


def person(value: Any, place: str) -> str:
    found = tree(value, place)
    return text(found.get("displayName"), f"{place}.displayName") or account(value, place)


def account(value: Any, place: str) -> str:
    """A person's id: Cloud's account id, else Data Center's login."""
    found = tree(value, place)
    return next(
        (named for key in ("accountId", "name", "key") if (named := text(found.get(key), f"{place}.{key}"))), ""
    )


def category(fields: Mapping[str, Any], place: str = "issue") -> str:
    """The key of the status's category: new, indeterminate, done; empty when it is none of them, or none was sent and
    the status is none of Jira's own."""
    at = f"{place}.fields.status"
    status = tree(fields.get("status"), at)
    found = tree(status.get("statusCategory"), f"{at}.statusCategory")
    if not found:
        return OLD_STATUSES.get(text(status.get("name"), f"{at}.name").casefold(), "")
    key = text(found.get("key"), at)
    return key if key in STATES else ""


def state(fields: Mapping[str, Any], place: str = "issue") -> IncidentState:
    return STATES.get(category(fields, place), IncidentState.OPEN)


def priority(name: str) -> int | None:
    return PRIORITIES.get(name.strip().casefold())


def kinds(fields: Mapping[str, Any], place: str = "issue") -> list[str]:
    """What sort of issue it is, the request type first."""
    issue_type = named(fields.get("issuetype"), f"{place}.fields.issuetype")
    return [name for name in (request_type(fields), issue_type) if name]


def request_type(fields: Mapping[str, Any]) -> str:
    """The name of Jira Service Management's request type. Its field's number differs by site, so it is known by its
    shape: {"requestType": {"name": ...}, "currentStatus": ...}."""
    for key, value in fields.items():
        if key.startswith("customfield_") and isinstance(value, dict) and isinstance(value.get("requestType"), dict):
            name = value["requestType"].get("name")
            return name if isinstance(name, str) else ""
    return ""


def organization(fields: Mapping[str, Any]) -> str:
    """The name of the first customer organization: a list of objects whose link goes to .../organization/<id>."""
    for key, value in fields.items():
        if not key.startswith("customfield_") or not isinstance(value, list):
            continue
        for row in value:
            links = row.get("_links") if isinstance(row, dict) else None
            if isinstance(links, dict) and "/organization/" in str(links.get("self", "")):
                return str(row.get("name") or "")
    return ""
