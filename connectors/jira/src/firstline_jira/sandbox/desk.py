"""Jira Service Management's API, /rest/servicedeskapi, after Atlassian's reference."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from firstline_jira.sandbox import workflow
from firstline_jira.sandbox.action import Actions
from firstline_jira.sandbox.model import CHANGE
from firstline_jira.sandbox.platform import body, who
from firstline_jira.sandbox.record import DESK, PROJECT, PROJECT_ID, Issue, Refused
from firstline_jira.sandbox.render import Render
from firstline_jira.sandbox.trouble import Troubles
from firstline_jira.sandbox.value import Values

Tree = dict[str, Any]


class Desk:
    def __init__(self, actions: Actions, render: Render, troubles: Troubles) -> None:
        self._troubles = troubles
        self._actions = actions
        self._render = render

    def routes(self) -> list[Route]:
        request = "/request/{id}"
        return [
            Route("/info", self.info),
            Route("/servicedesk", self.desks),
            Route("/servicedesk/{desk}", self.one_desk),
            Route("/servicedesk/{desk}/requesttype", self.request_types),
            Route("/servicedesk/{desk}/requesttype/{type}/field", self.form),
            Route("/request", self.requests, methods=["GET"]),
            Route("/request", self.create, methods=["POST"]),
            Route(request, self.request),
            Route(f"{request}/comment", self.comments, methods=["GET"]),
            Route(f"{request}/comment", self.comment, methods=["POST"]),
            Route(f"{request}/approval", self.approvals),
            Route(f"{request}/sla", self.agreements),
            Route(f"{request}/approval/{{approval}}", self.answer, methods=["POST"]),
        ]

    async def info(self, _: Request) -> Response:
        return JSONResponse(
            {"version": "5.12.0", "platformVersion": "1001.0.0", "isLicensedForUse": True, "_links": {}}
        )

    async def desks(self, request: Request) -> Response:
        return self._page(request, [_DESK])

    async def one_desk(self, request: Request) -> Response:
        self._known(request)
        return JSONResponse(_DESK)

    async def request_types(self, request: Request) -> Response:
        self._known(request)
        return self._page(request, [self._render.request_type(kind) for kind in workflow.REQUEST_TYPES])

    async def form(self, request: Request) -> Response:
        """The fields that the portal shows; those of other request types than Change are no matter here."""
        self._known(request)
        kind = workflow.request_type(request.path_params["type"])
        if kind is None:
            raise Refused(404, "The request type does not exist.")
        shown = workflow.FORM if kind.issue_type == CHANGE else ("summary", "description")
        fields = [self._render.form_field(id) for id in shown if id not in self._troubles.now.off_form]  # noqa: A001
        more = {"canRaiseOnBehalfOf": True, "canAddRequestParticipants": True}
        return JSONResponse({"requestTypeFields": fields} | more)

    def _known(self, request: Request) -> None:
        if request.path_params["desk"] not in (DESK, PROJECT, PROJECT_ID):
            raise Refused(404, "The service desk does not exist.")

    async def requests(self, request: Request) -> Response:
        mine = [i for i in self._actions.records.indexed() if i.reporter == who(request) and _is_request(i)]
        newest = sorted(mine, key=lambda issue: issue.updated, reverse=True)
        return self._page(request, [self._render.request(issue) for issue in newest])

    async def create(self, request: Request) -> Response:
        return JSONResponse(self._render.request(self._actions.request(who(request), await body(request))), 201)

    async def request(self, request: Request) -> Response:
        return JSONResponse(self._render.request(self._request(request)))

    async def comments(self, request: Request) -> Response:
        rows = [self._render.desk_comment(comment) for comment in self._request(request).comments]
        return self._page(request, rows)

    async def comment(self, request: Request) -> Response:
        issue, wanted = self._request(request), await body(request)
        if not isinstance(wanted.get("body"), str) or not wanted["body"]:
            raise Refused(400, body="Comment body can not be empty!")
        hidden = [] if wanted.get("public", True) else [{"key": "sd.public.comment", "value": {"internal": True}}]
        words = Values(cloud=self._render.cloud).words(wanted["body"])
        made = self._actions.comment(who(request), issue, words, hidden)
        return JSONResponse(self._render.desk_comment(made), 201)

    async def approvals(self, request: Request) -> Response:
        rows = [self._render.approval(approval, who(request)) for approval in self._request(request).approvals]
        return self._page(request, rows)

    async def agreements(self, request: Request) -> Response:
        found = self._render.agreement(self._request(request))
        return self._page(request, [found] if found else [])

    async def answer(self, request: Request) -> Response:
        """Only an approver may answer, and only what is asked."""
        person, issue, wanted = who(request), self._request(request), await body(request)
        pending = self._actions.pending(issue)
        if pending is None or pending.id != request.path_params["approval"]:
            raise Refused(404, "The approval does not exist or is not pending.")
        decided = self._actions.decide(person, issue, str(wanted.get("decision")))
        return JSONResponse(self._render.approval(decided, person))

    def _request(self, request: Request) -> Issue:
        """An issue without a request type is no customer request."""
        found = self._actions.records.find(request.path_params["id"])
        if not _is_request(found):
            raise Refused(404, "The request does not exist or you do not have permission to see it.")
        return found

    def _page(self, request: Request, rows: list[Tree]) -> Response:
        start, limit = (int(request.query_params.get(k, d)) for k, d in (("start", 0), ("limit", 50)))
        page = rows[start : start + limit]
        last = start + limit >= len(rows)
        return JSONResponse(
            {"size": len(page), "start": start, "limit": limit, "isLastPage": last, "values": page, "_links": {}}
        )


_DESK: Tree = {"id": DESK, "projectId": PROJECT_ID, "projectName": "Help desk", "projectKey": PROJECT, "_links": {}}


def _is_request(issue: Issue) -> bool:
    return bool(issue.fields.get(workflow.REQUEST_TYPE))
