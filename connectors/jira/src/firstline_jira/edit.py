"""Sets fields of an issue and reads them back: priority, fields by name or id, the assignee."""

from collections.abc import Mapping
from typing import Any

from firstline.connector import Update
from firstline.errors import Rejected
from firstline.incident import Reference
from firstline_jira.issue import named, priority
from firstline_jira.marker import issue_id
from firstline_jira.rest import Rest
from firstline_jira.site import Site
from firstline_jira.value import field_id, label, same, written

Tree = dict[str, Any]


class Fields:
    def __init__(self, rest: Rest, site: Site) -> None:
        self._rest = rest
        self._site = site

    async def update(self, reference: Reference, update: Update) -> None:
        """One request for all that differs, and one to read it back."""
        if update.status:
            raise Rejected("Jira has no status updates for stakeholders; a public note tells them")
        issue = issue_id(reference)
        screen = await self._site.edit_fields(issue)
        wanted = {field_id(screen, name): value for name, value in update.fields.items()}
        values: Tree = {id: written(screen[id], value, self._site.edition) for id, value in wanted.items()}  # noqa: A001
        if update.priority is not None:
            values["priority"] = {"id": await self._priority(update.priority, screen)}
        await self._set(issue, screen, values)

    async def _set(self, issue: str, screen: Mapping[str, Any], values: Tree) -> None:
        before = await self._read(issue, values)
        differing = {id: value for id, value in values.items() if not same(before.get(id), value)}  # noqa: A001
        if not differing:
            return
        await self._site.edit(issue, {"fields": differing})
        after = await self._read(issue, differing)
        kept = [label(screen, id) for id, value in differing.items() if not same(after.get(id), value)]  # noqa: A001
        if kept:
            raise Rejected(
                f"Jira accepted the edit and kept the old value of {', '.join(kept)}: an automation rule may have set "
                "it back, or the field is read-only for this account"
            )

    async def _read(self, issue: str, values: Tree) -> Tree:
        found: Tree = (await self._rest.issue(issue, fields=",".join(values)))["fields"]
        return found

    async def _priority(self, wanted: int, screen: Mapping[str, Any]) -> str:
        """The site's own priority that stands for the number: by its name, else by its place among five."""
        offered = (screen.get("priority") or {}).get("allowedValues") or await self._rest.priorities()
        rows = [row for row in offered if isinstance(row, dict)]
        match = [row for row in rows if priority(named(row, "priority")) == wanted]
        if not match and len(rows) == 5:
            match = rows[wanted - 1 : wanted]
        if not match:
            names = ", ".join(named(row, "priority") for row in rows) or "none"
            raise Rejected(f"no priority of this site stands for {wanted}; it has: {names}")
        return str(match[0].get("id"))

    async def assign(self, reference: Reference, who: str) -> None:
        """Give the issue to a person, by id, e-mail address or name; it has no assignment groups. Read back."""
        issue = issue_id(reference)
        found = await self._rest.issue(issue, fields="assignee")
        person = await self._person(str(found.get("key")), who)
        key = self._site.edition.person
        if self._assignee(found) == person:
            return
        await self._site.request("PUT", self._site.path(f"issue/{issue}/assignee"), json={key: person})
        if self._assignee(await self._rest.issue(issue, fields="assignee")) != person:
            raise Rejected(
                f"Jira accepted {who!r} as the assignee and kept the old one: is an automation rule at work?"
            )

    def _assignee(self, issue: Tree) -> str:
        return str((issue["fields"].get("assignee") or {}).get(self._site.edition.person) or "")

    async def _person(self, key: str, who: str) -> str:
        """Only whom Jira lets be assigned here, and only one who is meant beyond doubt."""
        asked = "query" if self._site.edition.cloud else "username"
        path = self._site.path("user/assignable/search")
        found = await self._site.listed("GET", path, params={"issueKey": key, asked: who, "maxResults": 50})
        meant = [row for row in found if who.casefold() in _names(row)]
        if len(meant) != 1:
            names = ", ".join(str(row.get("displayName")) for row in found) or "nobody"
            raise Rejected(f"{who!r} names {len(meant)} people who can be assigned {key}; Jira offers: {names}")
        return str(meant[0].get(self._site.edition.person) or "")


def _names(person: Mapping[str, Any]) -> set[str]:
    keys = ("accountId", "name", "key", "emailAddress", "displayName")
    return {str(person[key]).casefold() for key in keys if person.get(key)}
