"""What goes through our own HTTP client: all writes, and reads the `jira` library has no call for.

The library can't send entity properties with a write, turns transition ids into numbers, reads again after each update,
and knows neither Jira Service Management's approvals nor bulk fetch.
"""

from collections.abc import Sequence
from typing import Any

import httpx

from firstline import http
from firstline.errors import Unavailable
from firstline_jira.settings import JiraSettings

API = "/rest/api/3"
DESK = "/rest/servicedeskapi"
PAGES = 50  # a list longer than that many pages is not walked to its end

Tree = dict[str, Any]


class Site:
    def __init__(self, settings: JiraSettings) -> None:
        self._http = http.client(
            settings.base_url,
            auth=(settings.user, settings.api_token.get_secret_value()),
            headers={"X-Atlassian-Token": "no-check", "X-ExperimentalApi": "opt-in"},
        )

    # comments

    async def add_comment(self, issue: str, body: Tree, properties: Sequence[Tree]) -> Tree:
        return await self._send("POST", f"{API}/issue/{issue}/comment", {"body": body, "properties": list(properties)})

    async def edit_comment(self, issue: str, comment: str, body: Tree) -> Tree:
        """The properties stay as they are: an edit that names none leaves them."""
        return await self._send("PUT", f"{API}/issue/{issue}/comment/{comment}", {"body": body})

    # issues

    async def create(self, details: Tree) -> Tree:
        return await self._send("POST", f"{API}/issue", details)

    async def edit(self, issue: str, details: Tree) -> None:
        await self._request("PUT", f"{API}/issue/{issue}", json=details)

    async def transition(self, issue: str, details: Tree) -> None:
        await self._request("POST", f"{API}/issue/{issue}/transitions", json=details)

    async def link(self, kind: str, inward: str, outward: str) -> None:
        """Linking twice is one link (REST v3, "Create issue link")."""
        link = {"type": {"name": kind}, "inwardIssue": {"id": inward}, "outwardIssue": {"id": outward}}
        await self._request("POST", f"{API}/issueLink", json=link)

    async def search(self, jql: str, fields: Sequence[str], properties: Sequence[str], limit: int = 50) -> list[Tree]:
        """The first issues that the index has; it runs behind by seconds to minutes."""
        query = {"jql": jql, "fields": list(fields), "properties": list(properties), "maxResults": limit}
        return _rows(await self._send("POST", f"{API}/search/jql", query), "issues")

    async def bulk_fetch(self, keys: Sequence[str], fields: Sequence[str], properties: Sequence[str]) -> list[Tree]:
        """Issues by key, at most 100; read from the database, not from the index. Keys nobody has are left out."""
        query = {"issueIdsOrKeys": list(keys), "fields": list(fields), "properties": list(properties)}
        return _rows(await self._send("POST", f"{API}/issue/bulkfetch", query), "issues")

    # set-up of a project

    async def create_fields(self, project: str, issue_type: str) -> list[Tree]:
        """The fields that may be set when an issue of this type is created."""
        path = f"{API}/issue/createmeta/{project}/issuetypes/{issue_type}"
        return _rows(await self._send("GET", path, params={"maxResults": 200}), "fields")

    async def issue_types(self, project: str) -> list[Tree]:
        """The project's issue types, each with its statuses."""
        return await self._list(f"{API}/project/{project}/statuses")

    async def permissions(self, project: str, names: Sequence[str]) -> Tree:
        params = {"permissions": ",".join(names)} | ({"projectKey": project} if project else {})
        answer = await self._send("GET", f"{API}/mypermissions", params=params)
        found = answer.get("permissions")
        return found if isinstance(found, dict) else {}

    # Jira Service Management

    async def service_desks(self) -> list[Tree]:
        return await self._pages(f"{DESK}/servicedesk")

    async def request_types(self, desk: str) -> list[Tree]:
        return await self._pages(f"{DESK}/servicedesk/{desk}/requesttype")

    async def approvals(self, issue: str) -> list[Tree]:
        return await self._pages(f"{DESK}/request/{issue}/approval")

    async def _pages(self, path: str) -> list[Tree]:
        found: list[Tree] = []
        for _ in range(PAGES):
            page = await self._send("GET", path, params={"start": len(found), "limit": 50})
            rows = _rows(page, "values")
            found += rows
            if page.get("isLastPage", True) or not rows:
                break
        return found

    async def _send(self, method: str, path: str, body: Tree | None = None, **options: Any) -> Tree:
        if body is not None:
            options["json"] = body
        answer = await self._json(method, path, **options)
        if not isinstance(answer, dict):
            raise Unavailable(f"{method} {path} answered a {type(answer).__name__} where an object is documented")
        return answer

    async def _list(self, path: str) -> list[Tree]:
        answer = await self._json("GET", path)
        return _rows({"rows": answer}, "rows")

    async def _json(self, method: str, path: str, **options: Any) -> Any:
        response = await self._request(method, path, **options)
        try:
            return response.json()
        except ValueError as error:
            raise Unavailable(
                f"{method} {path} answered {response.status_code} and something that is not JSON"
            ) from error

    async def _request(self, method: str, path: str, **options: Any) -> httpx.Response:
        return await http.request(self._http, method, path, **options)

    async def aclose(self) -> None:
        await self._http.aclose()


def _rows(answer: Tree, key: str) -> list[Tree]:
    rows = answer.get(key)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Unavailable(f"the answer has no list of objects under {key!r}: is this Jira?")
    return rows
