"""A system with an HTTP API, for tests: it runs commands on this machine, and keeps to a key or not."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from firstline.errors import Rejected, Unknown
from firstline.executor import Handle, Progress, State, Step
from firstline.executors.command import CommandExecutor, CommandSettings
from firstline.testing.fault import Fault, Wire

TOKEN = "token-of-the-other-system"
WORDS = {
    State.RUNNING: "busy",
    State.SUCCEEDED: "done",
    State.FAILED: "error",
    State.CANCELLED: "stopped",
    State.TIMED_OUT: "error",
    State.UNKNOWN: "lost",
}


@dataclass
class Asked:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass
class Jobs:
    """`keeps_to_keys`: the same key again is the same job."""

    place: Path
    keeps_to_keys: bool = False
    requests: list[Asked] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    handles: dict[str, Handle] = field(default_factory=dict)
    keys: dict[str, list[str]] = field(default_factory=dict)
    answer: Callable[[Request], Awaitable[Response]] | None = None  # of `/free/...`

    def __post_init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self.commands = CommandExecutor(CommandSettings(directory=self.place / "jobs", kill_grace=0.3))
        methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
        routes = [
            Route("/api/jobs", self._noted(self._begin), methods=["POST"]),
            Route("/api/jobs", self._noted(self._list), methods=["GET"]),
            Route("/api/jobs/{id}", self._noted(self._show), methods=["GET"]),
            Route("/api/jobs/{id}", self._noted(self._stop), methods=["DELETE"]),
            Route("/api/jobs/{id}/log", self._noted(self._log), methods=["GET"]),
            Route("/api/free/{rest:path}", self._noted(self._free), methods=methods),
        ]
        self.app = Wire(Starlette(routes=routes), self.faults)

    def close(self) -> None:
        """In the server's own loop, where it was used."""
        if self._loop:
            asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(30)

    async def _end(self) -> None:
        """Nothing of it runs on after the test."""
        for handle in self.handles.values():
            with suppress(Unknown):
                await self.commands.cancel(handle)
        await self.commands.aclose()

    def asked(self, method: str, path: str = "") -> list[Asked]:
        return [each for each in list(self.requests) if each.method == method and path in each.path]

    def _noted(self, do: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            body, query = await request.body(), dict(request.query_params)
            self.requests.append(Asked(request.method, request.url.path, query, dict(request.headers), body))
            if request.headers.get("authorization") != f"Bearer {TOKEN}":
                return JSONResponse({"message": "who are you?"}, 401)
            return await do(request)

        return answer

    async def _begin(self, request: Request) -> Response:
        self._loop = asyncio.get_running_loop()
        told = await request.json()
        key = request.headers.get("idempotency-key", "")
        if self.keeps_to_keys and key in self.keys:
            return JSONResponse({"job": {"id": self.keys[key][0]}}, 200)
        step = Step(id=uuid4().hex, run=tuple(told["run"]), timeout=3600, output_limit=16_000_000)
        self.keys.setdefault(key, []).append(step.id)
        try:
            self.handles[step.id] = await self.commands.start(step)
        except Rejected as error:
            self.keys.pop(key)
            return JSONResponse({"message": str(error)}, 422)
        return JSONResponse({"job": {"id": step.id}}, 201)

    async def _list(self, request: Request) -> Response:
        return JSONResponse({"jobs": [{"id": each} for each in self.keys.get(request.query_params.get("key", ""), [])]})

    async def _show(self, request: Request) -> Response:
        if (progress := await self._look(request, 0)) is None:
            return JSONResponse({"message": "there is no such job"}, 404)
        shown: dict[str, Any] = {"status": WORDS[progress.state], "rc": progress.exit_status}
        shown["message"] = progress.detail
        shown["counts"] = [{"lines": len("".join(each.text for each in progress.output).splitlines())}]
        return JSONResponse(shown)

    async def _log(self, request: Request) -> Response:
        if (progress := await self._look(request, int(request.query_params.get("offset", 0)))) is None:
            return JSONResponse({"message": "there is no such job"}, 404)
        return PlainTextResponse("".join(each.text for each in progress.output))

    async def _stop(self, request: Request) -> Response:
        handle = self.handles.get(request.path_params["id"])
        if handle is None:
            return JSONResponse({"message": "there is no such job"}, 404)
        await self.commands.cancel(handle)
        return Response(status_code=204)

    async def _look(self, request: Request, offset: int) -> Progress | None:
        handle = self.handles.get(request.path_params["id"])
        return await self.commands.watch(handle, offset) if handle else None

    async def _free(self, request: Request) -> Response:
        assert self.answer is not None, f"no answer for {request.url.path} in {os.environ.get('PYTEST_CURRENT_TEST')}"
        return await self.answer(request)
