"""The sandbox as an ASGI application."""

import asyncio
import base64
import binascii
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from firstline.connector import SandboxSettings
from firstline_jira.sandbox.action import Actions
from firstline_jira.sandbox.desk import CHANGE_MANAGER, Desk
from firstline_jira.sandbox.hook import Hooks
from firstline_jira.sandbox.page import page
from firstline_jira.sandbox.platform import Platform
from firstline_jira.sandbox.record import Issue, Person, Records, Refused
from firstline_jira.sandbox.render import Render

TOKEN = "sandbox-token"  # noqa: S105 - the published token of a stand-in
CUSTOMER = Person("pat.customer@example.com")

Tree = dict[str, Any]


class Sandbox:
    def __init__(self, settings: SandboxSettings) -> None:
        self.settings = settings
        base = settings.public_url.rstrip("/") or "http://jira.sandbox"
        self.token = str(settings.seed.get("api_token", TOKEN))
        self.hooks = Hooks(settings.hook_url, settings.hook_secret)
        self.render = Render(base)
        self.actions = Actions(Records(float(settings.seed.get("index_delay", 0))), self.hooks, base)
        self.requests: dict[str, int] = {}
        self.fill()

    def fill(self) -> None:
        """The seed's records."""
        for details in self.settings.seed.get("issues", []):
            self.actions.create(CUSTOMER, details)
        for details in self.settings.seed.get("requests", []):
            self.actions.request(CUSTOMER, details)

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
            self.render.comment(comment, properties=True) | {"text": self.render.desk_comment(comment)["body"]}
            for comment in issue.comments
        ]
        approvals = [self.render.approval(approval, CHANGE_MANAGER) for approval in issue.approvals]
        return self.render.issue(issue, properties=["*all"]) | {"comments": comments, "approvals": approvals}

    async def reset(self, _: Request) -> Response:
        """Back to the seed; webhooks that wait are forgotten."""
        self.hooks.clear()
        self.requests.clear()
        self.actions.records.clear()
        self.fill()
        return JSONResponse({})

    async def decide(self, request: Request) -> Response:
        """A person answers as the change manager."""
        issue = self.actions.records.find(request.path_params["key"])
        self.actions.decide(CHANGE_MANAGER, issue, request.path_params["decision"])
        if "text/html" in request.headers.get("accept", ""):
            return RedirectResponse(f"/#{issue.key}", 303)
        return JSONResponse(self._state(issue))

    # API requests

    def admit(self, method: str, authorization: str) -> Person | None:
        """Count an API request, and say who signed in; None for nobody."""
        self.requests[method] = self.requests.get(method, 0) + 1
        return self._person(authorization)

    def _person(self, authorization: str) -> Person | None:
        scheme, _, encoded = authorization.partition(" ")
        try:
            email, _, token = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return Person(email) if scheme.lower() == "basic" and email and token == self.token else None


class Guard:
    """Lets API requests through that are signed in."""

    def __init__(self, app: ASGIApp, sandbox: Sandbox) -> None:
        self._app = app
        self._sandbox = sandbox

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/rest/"):
            request = Request(scope)
            person = self._sandbox.admit(request.method, request.headers.get("authorization", ""))
            if person is None:
                words = "Client must be authenticated to access this resource."
                await JSONResponse({"errorMessages": [words], "errors": {}}, 401)(scope, receive, send)
                return
            request.state.person = person
        await self._app(scope, receive, send)


def create_app(settings: SandboxSettings) -> Starlette:
    sandbox = Sandbox(settings)

    @asynccontextmanager
    async def life(_: Starlette) -> AsyncIterator[None]:
        sending = asyncio.create_task(sandbox.hooks.run())
        yield
        sending.cancel()
        with suppress(asyncio.CancelledError):
            await sending

    return Starlette(
        routes=[
            Route("/", sandbox.page),
            Route("/browse/{key}", sandbox.browse),
            Route("/sandbox/state", sandbox.state),
            Route("/sandbox/reset", sandbox.reset, methods=["POST"]),
            Route("/sandbox/request-approval/{key}/{decision}", sandbox.decide, methods=["POST"]),
            Mount("/rest/api/3", routes=Platform(sandbox.actions, sandbox.render).routes()),
            Mount("/rest/servicedeskapi", routes=Desk(sandbox.actions, sandbox.render).routes()),
        ],
        middleware=[Middleware(Guard, sandbox=sandbox)],
        exception_handlers={Refused: _refused, 404: _absent},
        lifespan=life,
    )


async def _refused(_: Request, refusal: Exception) -> Response:
    if not isinstance(refusal, Refused):
        raise refusal
    return JSONResponse(refusal.body, refusal.status)


async def _absent(_: Request, __: Exception) -> Response:
    return JSONResponse({"errorMessages": ["There is nothing at this address."], "errors": {}}, 404)
