"""Faults in how a sandbox answers."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from firstline.chaos.fault import Faults

DOOR = "/sandbox/chaos"

Refusal = Callable[[int], Any]
Sleep = Callable[[float], Awaitable[None]]


def plain(status: int) -> Any:
    """A body for an error, where the sandbox has no form of its vendor's."""
    return {"error": f"the sandbox was asked for trouble: {status}"}


class ChaosApp:
    """ASGI middleware: makes the faults of requests, and keeps the door by which they are seen (GET) and changed (PUT:
    all settings anew, `{}` for none). `refusal` gives the body of a 429 or 5xx in the vendor's own form."""

    def __init__(self, app: ASGIApp, faults: Faults, refusal: Refusal = plain, sleep: Sleep = asyncio.sleep) -> None:
        self._app = app
        self._faults = faults
        self._refusal = refusal
        self._sleep = sleep

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == DOOR:
            await (await self._door(Request(scope, receive)))(scope, receive, send)
        elif scope["type"] == "http" and self._exposed(scope["path"]):
            await self._answer(self._faults.of_request(), scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _exposed(self, path: str) -> bool:
        return path != "/" and not path.startswith(("/sandbox/", *self._faults.settings.exempt))

    async def _answer(self, fault: str, scope: Scope, receive: Receive, send: Send) -> None:
        settings = self._faults.settings
        match fault:
            case "rate_limit":
                await self._refuse(429, {"Retry-After": str(settings.retry_after)})(scope, receive, send)
            case "server_error":
                await self._refuse(self._faults.status(), {})(scope, receive, send)
            case "reset_before":
                await _break(send)
            case "reset_after":
                await self._app(scope, receive, _unheard)
                await _break(send)
            case _:
                if fault == "slow":
                    await self._sleep(settings.slow_seconds)
                await self._app(scope, receive, send)

    def _refuse(self, status: int, headers: dict[str, str]) -> Response:
        return _json(self._refusal(status), status, headers)

    async def _door(self, request: Request) -> Response:
        if request.method == "PUT":
            try:
                self._faults.change(orjson.loads(await request.body()))
            except ValueError as error:
                return _json({"error": str(error)}, 400)
        elif request.method != "GET":
            return _json({"error": "GET shows the faults, PUT changes them"}, 405)
        return _json({"settings": self._faults.settings.model_dump(), "made": dict(self._faults.made)})


async def _unheard(message: Message) -> None:
    """What the application answers goes nowhere."""


async def _break(send: Send) -> None:
    """An answer that was begun and never comes: the server closes the connection, and no client takes it for one."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})


def _json(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(content), status, headers, media_type="application/json")
