"""The REST API's log entries (OpenAPI, "List log entries", "List log entries for an incident"): newest first."""

from collections.abc import Iterable
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from firstline_pagerduty.sandbox import error
from firstline_pagerduty.sandbox.account import Account
from firstline_pagerduty.sandbox.entity import Incident, LogEntry
from firstline_pagerduty.sandbox.http import Gate, chosen, page, span
from firstline_pagerduty.sandbox.shape import Shape

INCLUDES = ("incidents", "services", "channels", "teams")
Json = dict[str, Any]
Row = tuple[Incident, LogEntry]


class Log:
    def __init__(self, account: Account, shape: Shape, gate: Gate) -> None:
        self._account = account
        self._shape = shape
        self._gate = gate

    def routes(self) -> list[Route]:
        table = [("/log_entries", self.list_every), ("/incidents/{id}/log_entries", self.list_of_incident)]
        return [Route(path, self._gate.guard(f"GET {path}", act), methods=["GET"]) for path, act in table]

    async def list_every(self, request: Request) -> Json:
        teams = request.query_params.getlist("team_ids[]")
        rows = ((one, entry) for one, entry in self._account.log if not teams or one.service.team in teams)
        return self._page(request, rows)

    async def list_of_incident(self, request: Request) -> Json:
        incident = self._account.incidents.get(request.path_params["id"])
        if incident is None:
            raise error.not_found()
        return self._page(request, ((incident, entry) for entry in incident.log))

    def _page(self, request: Request, rows: Iterable[Row]) -> Json:
        since, until = span(request)
        included = chosen(request, "include[]", INCLUDES)
        overview = request.query_params.get("is_overview") == "true"
        found = [row for row in rows if self._shown(row, overview) and since <= row[1].created_at < until]
        found.sort(key=lambda row: row[1].created_at)
        return page("log_entries", found[::-1], request, lambda row: self._shape.log_entry(row[0], row[1], included))

    def _shown(self, row: Row, overview: bool) -> bool:
        incident, entry = row
        if overview and entry.type == "notify_log_entry":
            return False
        return self._account.trouble.shows(incident.service.id, entry.created_at)
