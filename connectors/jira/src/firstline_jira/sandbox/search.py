"""Search and what hangs on it: Cloud's /search/jql, which pages by token and may run behind, and Data Center's /search,
which counts from the start."""

import secrets
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from firstline_jira.sandbox import jql
from firstline_jira.sandbox.action import Actions
from firstline_jira.sandbox.platform import body
from firstline_jira.sandbox.record import Issue, Refused
from firstline_jira.sandbox.render import Render
from firstline_jira.sandbox.trouble import Troubles

NEWEST = 40  # entries of the changelog that a search shows
COMMENTS = 20  # comments that it shows
MOST = 100  # issues of a page with their fields

Tree = dict[str, Any]


class Search:
    def __init__(self, actions: Actions, render: Render, troubles: Troubles) -> None:
        self._actions = actions
        self._render = render
        self._troubles = troubles
        self._given: dict[str, tuple[str, set[str]]] = {}  # token → its query, and what it has brought by now

    def routes(self) -> list[Route]:
        if not self._render.cloud:
            return [Route("/search", self.counted, methods=["POST"])]
        return [
            Route("/search/jql", self.paged, methods=["POST"]),
            Route("/search", gone, methods=["GET", "POST"]),
            Route("/issue/bulkfetch", self.bulk_fetch, methods=["POST"]),
        ]

    async def paged(self, request: Request) -> Response:
        wanted = await body(request)
        if unknown := wanted.keys() - _CLOUD:
            raise Refused(400, f"Unrecognized field {sorted(unknown)[0]!r}")
        fresh = wanted.get("reconcileIssues") or []
        if len(fresh) > 50 or not all(isinstance(id, int) for id in fresh):  # noqa: A001
            raise Refused(400, "reconcileIssues takes up to 50 issue ids.")
        found = self._found(wanted, {str(id) for id in fresh})  # noqa: A001
        given = self._brought(wanted)
        rest = [issue for issue in found if issue.id not in given]
        some = rest[: _size(wanted)]
        page: Tree = {"issues": self._rows(some, wanted), "isLast": len(some) == len(rest)}
        if page["isLast"]:
            return JSONResponse(page)
        token = secrets.token_urlsafe(12)
        self._given[token] = (str(wanted["jql"]), given | {issue.id for issue in some})
        return JSONResponse(page | {"nextPageToken": token})

    def _brought(self, wanted: Tree) -> set[str]:
        """A token is good for the query it came from."""
        token = str(wanted.get("nextPageToken") or "")
        query, given = self._given.get(token, ("", set[str]())) if token else (str(wanted.get("jql")), set[str]())
        if query != str(wanted.get("jql")):
            raise Refused(400, "The nextPageToken is invalid.")
        return given

    async def counted(self, request: Request) -> Response:
        wanted = await body(request)
        if unknown := wanted.keys() - _SERVER:
            raise Refused(400, f"Unrecognized field {sorted(unknown)[0]!r}")
        found = self._found(wanted, set())
        start, size = int(wanted.get("startAt") or 0), _size(wanted)
        page = self._rows(found[start : start + size], wanted)
        return JSONResponse({"startAt": start, "maxResults": size, "total": len(found), "issues": page})

    async def bulk_fetch(self, request: Request) -> Response:
        wanted = await body(request)
        keys = wanted.get("issueIdsOrKeys")
        if not isinstance(keys, list) or not 0 < len(keys) <= 100:
            raise Refused(400, "Between 1 and 100 issue ids or keys are needed.")
        found, errors = [], []
        for key in keys:
            try:
                found.append(self._actions.records.find(str(key)))
            except Refused as refusal:
                errors.append({"id": str(key), "errorMessage": refusal.body["errorMessages"][0]})  # type: ignore[index]
        return JSONResponse({"issues": self._rows(found, wanted), "issueErrors": errors})

    def _found(self, wanted: Tree, fresh: set[str]) -> list[Issue]:
        zone = ZoneInfo(self._troubles.now.time_zone)
        return jql.search(str(wanted.get("jql") or ""), self._actions.records.indexed(fresh), zone)

    def _rows(self, issues: list[Issue], wanted: Tree) -> list[Tree]:
        only = wanted.get("fields") or (["id"] if self._render.cloud else ["*navigable"])
        expand = wanted.get("expand") or []
        expanded = expand.split(",") if isinstance(expand, str) else expand
        return [self._row(issue, only, wanted.get("properties"), "changelog" in expanded) for issue in issues]

    def _row(self, issue: Issue, only: list[str], properties: list[str] | None, changelog: bool) -> Tree:
        row = self._render.issue(issue, only=only, properties=properties)
        if self._render.cloud and "comment" in row["fields"]:
            block = row["fields"]["comment"]
            row["fields"]["comment"] = block | {"comments": block["comments"][:COMMENTS], "maxResults": COMMENTS}
        if changelog:
            newest = issue.histories[::-1][:NEWEST] if self._render.cloud else issue.histories
            shown = [self._render.history(history) for history in newest]
            total = len(issue.histories)
            row["changelog"] = {"startAt": 0, "maxResults": len(shown), "total": total, "histories": shown}
        return row


_CLOUD = {
    "jql", "fields", "fieldsByKeys", "expand", "maxResults", "nextPageToken", "properties", "reconcileIssues"
}  # fmt: skip
_SERVER = {"jql", "fields", "expand", "maxResults", "startAt", "validateQuery"}


def _size(wanted: Tree) -> int:
    return max(0, min(MOST, int(wanted.get("maxResults") or 50)))


async def gone(_: Request) -> Response:
    """The old search was removed in 2025 (Atlassian, changelog CHANGE-2046)."""
    raise Refused(410, "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API.")
