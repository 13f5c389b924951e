"""What goes through our own HTTP client: all writes, searches, and reads the `jira` library has no call for.

The library can't send entity properties with a write, turns transition ids into numbers, reads again after each update,
and knows neither Jira Service Management's approvals nor bulk fetch.
"""

from collections.abc import Sequence
from typing import Any

import httpx

from firstline import http
from firstline.errors import Unavailable
from firstline.meter import Meter
from firstline_jira.access import Access, HttpxAuth
from firstline_jira.edition import Edition
from firstline_jira.quota import quota
from firstline_jira.settings import JiraSettings

DESK = "/rest/servicedeskapi"
PAGES = 50  # a list longer than that many pages is not walked to its end

Tree = dict[str, Any]


class Site:
    def __init__(self, settings: JiraSettings, edition: Edition, access: Access, meter: Meter) -> None:
        self.edition = edition
        self._http = http.client(
            settings.api_url,
            auth=HttpxAuth(access),
            headers={"X-Atlassian-Token": "no-check", "X-ExperimentalApi": "opt-in"},
            meter=meter,
            quota=quota,
        )

    # any path

    async def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        return await http.request(self._http, method, path, **options)

    async def tree(self, method: str, path: str, **options: Any) -> Tree:
        answer = answered(await self.request(method, path, **options))
        if not isinstance(answer, dict):
            raise Unavailable(f"{method} {path} answered a {type(answer).__name__} where an object is documented")
        return answer

    async def listed(self, method: str, path: str, **options: Any) -> Sequence[Tree]:
        return rows({"rows": answered(await self.request(method, path, **options))}, "rows")

    def path(self, rest: str) -> str:
        return f"{self.edition.api}/{rest}"

    # comments

    async def add_comment(self, issue: str, body: Any, properties: Sequence[Tree]) -> Tree:
        return await self.tree(
            "POST", self.path(f"issue/{issue}/comment"), json={"body": body, "properties": [*properties]}
        )

    async def edit_comment(self, issue: str, comment: str, body: Any) -> Tree:
        """The properties stay as they are: an edit that names none leaves them."""
        return await self.tree("PUT", self.path(f"issue/{issue}/comment/{comment}"), json={"body": body})

    # issues

    async def create(self, details: Tree) -> Tree:
        return await self.tree("POST", self.path("issue"), json=details)

    async def edit(self, issue: str, details: Tree) -> None:
        await self.request("PUT", self.path(f"issue/{issue}"), json=details)

    async def remote_links(self, issue: str) -> Sequence[Tree]:
        return await self.listed("GET", self.path(f"issue/{issue}/remotelink"))

    async def histories(self, issue: str) -> Sequence[Tree]:
        """All entries of its changelog. Data Center shows them with the issue alone."""
        if not self.edition.cloud:
            found = await self.tree(
                "GET", self.path(f"issue/{issue}"), params={"fields": "status", "expand": "changelog"}
            )
            return rows(inner(found, "changelog"), "histories")
        entries: list[Tree] = []
        for _ in range(PAGES):
            params = {"startAt": len(entries), "maxResults": 100}
            page = await self.tree("GET", self.path(f"issue/{issue}/changelog"), params=params)
            some = rows(page, "values")
            entries += some
            if page.get("isLast", True) or not some:
                break
        return entries

    async def edit_fields(self, issue: str) -> Tree:
        """Field id → what the edit screen says of it."""
        return inner(await self.tree("GET", self.path(f"issue/{issue}/editmeta")), "fields")

    async def transition(self, issue: str, details: Tree) -> None:
        await self.request("POST", self.path(f"issue/{issue}/transitions"), json=details)

    async def link_types(self) -> Sequence[Tree]:
        return rows(await self.tree("GET", self.path("issueLinkType")), "issueLinkTypes")

    async def link(self, kind: str, inward: str, outward: str) -> None:
        """The inward issue then shows the type's outward words towards the outward one. Linking twice is one link (REST
        v3, "Create issue link")."""
        link = {"type": {"name": kind}, "inwardIssue": {"id": inward}, "outwardIssue": {"id": outward}}
        await self.request("POST", self.path("issueLink"), json=link)

    async def search(
        self, jql: str, fields: Sequence[str], properties: Sequence[str], limit: int = 50
    ) -> Sequence[Tree]:
        """The first issues that the index has. Cloud's runs behind by seconds to minutes; it alone shows properties."""
        query: Tree = {"jql": jql, "fields": [*fields], "maxResults": limit}
        if self.edition.cloud:
            return rows(
                await self.tree("POST", self.path("search/jql"), json=query | {"properties": [*properties]}), "issues"
            )
        return rows(await self.tree("POST", self.path("search"), json=query), "issues")

    async def bulk_fetch(self, keys: Sequence[str], fields: Sequence[str], properties: Sequence[str]) -> Sequence[Tree]:
        """Cloud's issues by key, at most 100; read from the database, not from the index. Keys nobody has are left
        out."""
        query = {"issueIdsOrKeys": [*keys], "fields": [*fields], "properties": [*properties]}
        return rows(await self.tree("POST", self.path("issue/bulkfetch"), json=query), "issues")

    # set-up of a project

    async def create_fields(self, project: str, issue_type: str) -> Sequence[Tree]:
        """The fields that may be set when an issue of this type is created; Data Center calls them values."""
        path = self.path(f"issue/createmeta/{project}/issuetypes/{issue_type}")
        found = await self.tree("GET", path, params={"maxResults": 200})
        return rows(found, "fields" if self.edition.cloud else "values")

    async def issue_types(self, project: str) -> Sequence[Tree]:
        """The project's issue types, each with its statuses."""
        return await self.listed("GET", self.path(f"project/{project}/statuses"))

    async def permissions(self, project: str, names: Sequence[str]) -> Tree:
        params = {"permissions": ",".join(names)} | ({"projectKey": project} if project else {})
        return inner(await self.tree("GET", self.path("mypermissions"), params=params), "permissions")

    # Jira Service Management

    async def service_desks(self) -> Sequence[Tree]:
        return await self._pages(f"{DESK}/servicedesk")

    async def request_types(self, desk: str) -> Sequence[Tree]:
        return await self._pages(f"{DESK}/servicedesk/{desk}/requesttype")

    async def form(self, desk: str, request_type: str) -> Sequence[Tree]:
        """The fields of a request type that the portal shows."""
        path = f"{DESK}/servicedesk/{desk}/requesttype/{request_type}/field"
        return rows(await self.tree("GET", path), "requestTypeFields")

    async def approvals(self, issue: str) -> Sequence[Tree]:
        return await self._pages(f"{DESK}/request/{issue}/approval")

    async def agreements(self, issue: str) -> Sequence[Tree]:
        return await self._pages(f"{DESK}/request/{issue}/sla")

    async def _pages(self, path: str) -> Sequence[Tree]:
        found: list[Tree] = []
        for _ in range(PAGES):
            page = await self.tree("GET", path, params={"start": len(found), "limit": 50})
            some = rows(page, "values")
            found += some
            if page.get("isLastPage", True) or not some:
                break
        return found

    async def aclose(self) -> None:
        await self._http.aclose()


def answered(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError as error:
        what = f"{response.request.method} {response.request.url.path}"
        raise Unavailable(f"{what} answered {response.status_code} and something that is not JSON") from error


def inner(answer: Tree, key: str) -> Tree:
    found = answer.get(key)
    if not isinstance(found, dict):
        raise Unavailable(f"the answer has no object under {key!r}: is this Jira?")
    return found


def rows(answer: Tree, key: str) -> Sequence[Tree]:
    found = answer.get(key)
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise Unavailable(f"the answer has no list of objects under {key!r}: is this Jira?")
    return found
