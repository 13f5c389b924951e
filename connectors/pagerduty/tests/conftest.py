"""Connectors, sandboxes and vendors that misbehave, on loopback."""

import json
import queue
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from anyio import to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from firstline.connector import Delivery, SandboxSettings
from firstline.incident import Reference
from firstline_pagerduty.connector import PagerDutyConnector
from firstline_pagerduty.sandbox import create_app
from firstline_pagerduty.settings import PagerDutySettings

INCIDENT = "Q3B15VLMF3ASBD"
Loopback = Callable[[Any], str]
Make = Callable[..., PagerDutyConnector]


@pytest.fixture
def contracts() -> Path:
    """What PagerDuty sends, captured."""
    return Path(__file__).parents[3] / "tests" / "contracts" / "pagerduty"


@pytest.fixture
def reference() -> Reference:
    return Reference(connection="pd", kind="incident", id=INCIDENT, number="#1")


@pytest.fixture
async def connect() -> AsyncIterator[Make]:
    """`connect(base_url, **settings)` makes a connector that is closed after the test."""
    async with AsyncExitStack() as open_ones:

        def make(base_url: str = "http://127.0.0.1:9", **settings: Any) -> PagerDutyConnector:
            given: dict[str, Any] = {
                "base_url": base_url,
                "token": "the-token",
                "from_email": "firstline@example.com",
                "webhook_secrets": "the-secret",
                "own_user_id": "PFIRSTL",
                "timeout": 5,
            }
            connector = PagerDutyConnector("pd", PagerDutySettings.model_validate(given | settings))
            open_ones.push_async_callback(connector.aclose)
            return connector

        yield make


class Sandbox:
    """A sandbox at an address, and what a person would do there."""

    def __init__(self, address: str) -> None:
        self.address = address

    async def request(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        identity = {"Authorization": "Token token=the-token", "From": "oncall@example.com"} | headers
        sent = {name: value for name, value in identity.items() if value}
        async with httpx.AsyncClient(trust_env=False, verify=False) as http:
            return await http.request(method, self.address + path, json=body, headers=sent)

    async def state(self) -> dict[str, Any]:
        state: dict[str, Any] = (await self.request("GET", "/sandbox/state")).json()
        return state

    async def incident(self, identity: str = INCIDENT) -> dict[str, Any]:
        return next(one for one in (await self.state())["incidents"] if one["id"] == identity)

    async def change(self, **fields: Any) -> httpx.Response:
        body = {"incident": {"type": "incident_reference", **fields}}
        return await self.request("PUT", f"/incidents/{INCIDENT}", body)

    async def writes(self) -> int:
        """How many requests there were that change an incident or a note."""
        return sum(count for name, count in (await self.state())["requests"].items() if name[:4] in ("PUT ", "POST"))


@pytest.fixture
def seed() -> dict[str, Any]:
    return {"incidents": [{"id": INCIDENT, "title": "The shop does not answer", "service": "PSHOP01"}]}


@pytest.fixture
def sandbox(loopback: Loopback, seed: dict[str, Any]) -> Sandbox:
    return Sandbox(loopback(create_app(SandboxSettings(seed=seed))))


class Hook:
    """A hub's door that takes every webhook."""

    def __init__(self) -> None:
        self._got: queue.Queue[bytes] = queue.Queue()

    async def bodies(self, count: int) -> list[Delivery]:
        """The next so many, as deliveries."""
        raw = [await to_thread.run_sync(lambda: self._got.get(timeout=20)) for _ in range(count)]
        return [Delivery(connection="pd", key="k", body=one, received_at=datetime.now(UTC)) for one in raw]

    @property
    def waiting(self) -> int:
        return self._got.qsize()

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/hook", self._take, methods=["POST"])])

    async def _take(self, request: Request) -> Response:
        self._got.put(await request.body())
        return Response(status_code=202)


@pytest.fixture
def hook() -> Hook:
    return Hook()


@pytest.fixture
def hooked(loopback: Loopback, hook: Hook, seed: dict[str, Any]) -> tuple[Hook, Sandbox]:
    """A hub's door, and a sandbox that sends its webhooks there."""
    address = loopback(hook.app())
    return hook, Sandbox(loopback(create_app(SandboxSettings(seed=seed, hook_url=f"{address}/hook"))))


class Vendor:
    """An ASGI application that answers as told and keeps what it was asked."""

    def __init__(self, *answers: tuple[int, Any] | tuple[int, Any, dict[str, str]]) -> None:
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        self._answers = answers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.asked.append((scope["method"], scope["path"], headers, await _body(receive)))
        status, content, *more = self._answers[min(len(self.asked), len(self._answers)) - 1]
        given = {"content-type": "application/json", **(more[0] if more else {})}
        encoded = [(name.encode(), value.encode()) for name, value in given.items()]
        await send({"type": "http.response.start", "status": status, "headers": encoded})
        await send({"type": "http.response.body", "body": json.dumps(content).encode()})

    @property
    def methods(self) -> list[str]:
        return [method for method, *_ in self.asked]


class Breaking:
    """Lets requests through to an application, and breaks the connection before the answer to the first POST."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.broken = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST" and not self.broken:
            self.broken += 1
            await self._app(scope, receive, _nowhere)
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000")]})
            await send({"type": "http.response.body", "body": b"{", "more_body": True})
            return  # uvicorn closes the connection of an answer that was not completed
        await self._app(scope, receive, send)


async def _nowhere(_: Any) -> None:
    """Takes an answer that nobody gets."""


async def _body(receive: Receive) -> bytes:
    body: bytes = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return


@pytest.fixture
def at() -> type[Sandbox]:
    """`at(address)` is the sandbox there."""
    return Sandbox


@pytest.fixture
def vendor() -> type[Vendor]:
    return Vendor


@pytest.fixture
def breaking() -> type[Breaking]:
    return Breaking
