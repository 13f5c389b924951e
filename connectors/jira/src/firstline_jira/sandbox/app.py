"""The sandbox as an ASGI application."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from firstline.chaos import ChaosApp, Faults, HookChaos
from firstline.connector import SandboxSettings
from firstline_jira.sandbox import workflow
from firstline_jira.sandbox.account import GATEWAY, TOKEN, Accounts
from firstline_jira.sandbox.action import Actions
from firstline_jira.sandbox.desk import Desk
from firstline_jira.sandbox.file import Files
from firstline_jira.sandbox.hook import Hooks
from firstline_jira.sandbox.limit import Limit
from firstline_jira.sandbox.model import model
from firstline_jira.sandbox.page import page
from firstline_jira.sandbox.platform import Platform
from firstline_jira.sandbox.record import Issue, Person, Records, Refused, stamp
from firstline_jira.sandbox.registration import Admin, Dynamic
from firstline_jira.sandbox.render import Render
from firstline_jira.sandbox.search import Search
from firstline_jira.sandbox.trouble import Trouble, Troubles

CUSTOMER, MANAGER = Person("pat.customer@example.com"), Person("change.manager@example.com")

Tree = dict[str, Any]


class Sandbox:
    def __init__(self, settings: SandboxSettings) -> None:
        seed = self.seed = settings.seed
        self.cloud = seed.get("deployment", "cloud") == "cloud"
        self.faults = Faults(settings.chaos)
        self.first = Trouble.model_validate(seed.get("trouble", {}))
        self.troubles = Troubles(self.first)
        self.model = model(seed.get("workflow"))
        self.hooks = Hooks(settings.hook_url, settings.hook_secret, HookChaos(self.faults))
        self.accounts = Accounts(str(seed.get("api_token", TOKEN)), self.troubles)
        self.limit = Limit(self.troubles, cloud=self.cloud)
        self.base = settings.public_url.rstrip("/") or "http://jira.sandbox"
        self.render = Render(self.base, self.troubles, self.model, api=3 if self.cloud else 2, cloud=self.cloud)
        told = Render(self.base, self.troubles, self.model, api=2, cloud=self.cloud)
        records = Records(self.troubles, self.model)
        self.actions = Actions(records, self.hooks, self.troubles, told, self.model)
        self.requests: dict[str, int] = {}
        self.fill()

    def fill(self) -> None:
        """The seed's records."""
        for details in self.seed.get("issues", []):
            self.actions.create(CUSTOMER, details)
        for details in self.seed.get("requests", []):
            self.actions.request(CUSTOMER, details)

    def routes(self) -> list[BaseRoute]:
        files = Files(self.actions, self.render)
        api = [
            *Search(self.actions, self.render, self.troubles).routes(),
            *Platform(self.actions, self.render, self.troubles, self.model).routes(),
            *files.routes(),
            *(Dynamic(self.hooks, self.troubles).routes() if self.cloud else []),
        ]
        own = "/rest/webhooks/1.0" if self.cloud else "/rest/jira-webhook/1.0"
        admin = Admin(self.hooks, self.troubles, self.base, "admin" if self.cloud else "server")
        return [
            Route("/", self.page),
            Route("/browse/{key}", self.browse),
            Route("/oauth/token", self.accounts.exchange, methods=["POST"]),
            Route("/secure/attachment/{file}/{name}", files.download),
            Route("/sandbox/state", self.state),
            Route("/sandbox/reset", self.reset, methods=["POST"]),
            Route("/sandbox/trouble", self.troubles.show, methods=["GET", "PUT"]),
            Route("/sandbox/request-approval/{key}/{decision}", self.decide, methods=["POST"]),
            Route("/sandbox/planned-times/{key}", self.plan, methods=["POST"]),
            Mount(f"/rest/api/{3 if self.cloud else 2}", routes=api),
            Mount(own, routes=admin.routes()),
            Mount("/rest/servicedeskapi", routes=Desk(self.actions, self.render, self.troubles).routes()),
        ]

    # the sandbox's own pages

    async def page(self, _: Request) -> Response:
        return HTMLResponse(page(list(self.actions.records.issues.values())))

    async def browse(self, request: Request) -> Response:
        return RedirectResponse(f"/#{self.actions.records.find(request.path_params['key']).key}")

    async def state(self, _: Request) -> Response:
        hooks = {"sent": self.hooks.sent, "waiting": self.hooks.waiting, "dropped": self.hooks.dropped}
        issues = [self._state(issue) for issue in self.actions.records.issues.values()]
        total = sum(self.requests.values())
        return JSONResponse({"issues": issues, "requests": total, "requests_by": self.requests, "webhooks": hooks})

    def _state(self, issue: Issue) -> Tree:
        comments = [
            self.render.comment(comment, properties=True)
            | {"text": self.render.desk_comment(comment)["body"], "jsdPublic": not comment.internal}
            for comment in issue.comments
        ]
        approvals = [self.render.approval(approval, MANAGER) for approval in issue.approvals]
        changelog = [self.render.history(history) for history in issue.histories]
        more = {"comments": comments, "approvals": approvals, "changelog": changelog}
        return self.render.issue(issue, properties=["*all"]) | more

    async def reset(self, _: Request) -> Response:
        """Back to the seed; webhooks that wait, or were registered, are forgotten."""
        self.hooks.clear()
        self.accounts.clear()
        self.limit.clear()
        self.requests.clear()
        self.troubles.now = self.first
        self.actions.records.clear()
        self.fill()
        return JSONResponse({})

    async def decide(self, request: Request) -> Response:
        """A person answers as one of the approvers: whom the form names, else the first who has not answered."""
        issue = self.actions.records.find(request.path_params["key"])
        approval, form = self.actions.pending(issue), await _form(request)
        waiting = [person for person, vote in approval.votes.items() if vote == "pending"] if approval else []
        person = Person(form["approver"]) if "approver" in form else next(iter(waiting), MANAGER)
        self.actions.decide(person, issue, request.path_params["decision"])
        return self._answered(request, issue)

    async def plan(self, request: Request) -> Response:
        """A person moves the planned times, which are in UTC, as the change manager."""
        issue, form = self.actions.records.find(request.path_params["key"]), await _form(request)
        times = [datetime.fromisoformat(form[name]).replace(tzinfo=UTC) for name in ("start", "end")]
        fields = dict(zip(workflow.PLANNED, map(stamp, times), strict=True))
        self.actions.edit(MANAGER, issue, {"fields": fields})
        return self._answered(request, issue)

    def _answered(self, request: Request, issue: Issue) -> Response:
        if "text/html" in request.headers.get("accept", ""):
            return RedirectResponse(f"/#{issue.key}", 303)
        return JSONResponse(self._state(issue))


async def _form(request: Request) -> dict[str, str]:
    return dict(parse_qsl((await request.body()).decode()))


class Guard:
    """Lets API requests through that are signed in and within the limit. Behind the gateway's address stands the same
    API."""

    def __init__(self, app: ASGIApp, sandbox: Sandbox) -> None:
        self._app = app
        self._sandbox = sandbox

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = str(scope.get("path", ""))
        gateway = self._sandbox.cloud and path.startswith(f"{GATEWAY}/rest/")
        if scope["type"] != "http" or not (gateway or path.startswith(("/rest/", "/secure/"))):
            await self._app(scope, receive, send)
            return
        if gateway:
            scope = {**scope, "path": path.removeprefix(GATEWAY), "raw_path": None}
        admitted, headers = self._sandbox.limit.take()
        answer = self._refused(scope, gateway=gateway) if admitted else _refuse(429, "Rate limit exceeded.")
        await (answer or self._app)(scope, receive, _adding(send, headers))

    def _refused(self, scope: Scope, *, gateway: bool) -> Response | None:
        request = Request(scope)
        by = self._sandbox.requests
        by[request.method] = by.get(request.method, 0) + 1
        person = self._sandbox.accounts.who(request.headers.get("authorization", ""), gateway=gateway)
        if person is None:
            return _refuse(401, "Client must be authenticated to access this resource.")
        request.state.person = person
        request.state.app = gateway
        return None


def _adding(send: Send, headers: dict[str, str]) -> Send:
    async def more(message: Message) -> None:
        if message["type"] == "http.response.start":
            extra = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
            message = {**message, "headers": [*message.get("headers", []), *extra]}
        await send(message)

    return more


def create_app(settings: SandboxSettings) -> Starlette:
    sandbox = Sandbox(settings)

    @asynccontextmanager
    async def life(_: Starlette) -> AsyncIterator[None]:
        sending = asyncio.create_task(sandbox.hooks.run())
        yield
        sending.cancel()
        with suppress(asyncio.CancelledError):
            await sending

    app = Starlette(
        routes=sandbox.routes(),
        middleware=[
            Middleware(ChaosApp, faults=sandbox.faults, refusal=_trouble),
            Middleware(Guard, sandbox=sandbox),
        ],
        exception_handlers={Refused: _refused, 404: _absent},
        lifespan=life,
    )
    app.state.sandbox = sandbox
    return app


def _refuse(status: int, words: str) -> Response:
    return JSONResponse({"errorMessages": [words], "errors": {}}, status)


def _trouble(status: int) -> Tree:
    return {"errorMessages": [f"The sandbox was asked for trouble: {status}."], "errors": {}}


async def _refused(_: Request, refusal: Exception) -> Response:
    if not isinstance(refusal, Refused):
        raise refusal
    return JSONResponse(refusal.body, refusal.status)


async def _absent(_: Request, __: Exception) -> Response:
    return _refuse(404, "There is nothing at this address.")
