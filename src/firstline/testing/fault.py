"""What can happen to a request between a client and the server."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any

from starlette.responses import HTMLResponse, JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PROXY = "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>"


class Kind(Enum):
    LOST = auto()  # it is done, and the connection breaks in the answer
    BAD_GATEWAY = auto()  # a proxy's 502, and nothing was done
    BAD_GATEWAY_AFTER = auto()  # a proxy's 502, though it was done
    BROKEN = auto()  # the connection breaks, and nothing was done
    FORBIDDEN = auto()  # 403, and nothing was done


@dataclass
class Fault:
    kind: Kind
    method: str = "POST"
    times: int = 1
    path: str = ""  # a part of it


ANSWERS = (Fault(Kind.LOST), Fault(Kind.BAD_GATEWAY_AFTER))
LINES = (Fault(Kind.BROKEN), Fault(Kind.BAD_GATEWAY, "GET"), Fault(Kind.BROKEN, "GET", 2))


def trouble(faults: list[Fault]) -> dict[str, Callable[..., Awaitable[None]]]:
    """The kills of a crash matrix that hit the wire behind these faults: answers are lost, or the line is bad."""

    def meet(kinds: tuple[Fault, ...]) -> Callable[..., Awaitable[None]]:
        async def kill(*_: object) -> None:
            faults[:] = [replace(each) for each in kinds]

        return kill

    return {"answer": meet(ANSWERS), "line": meet(LINES)}


class Wire:
    """Before the server: requests that a fault fits meet it, so many times."""

    def __init__(self, app: ASGIApp, faults: list[Fault]) -> None:
        self._app = app
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = self._take(scope) if scope["type"] == "http" else None
        if fault is None:
            await self._app(scope, receive, send)
            return
        if fault.kind in (Kind.LOST, Kind.BAD_GATEWAY_AFTER):
            await self._app(scope, receive, _nowhere)
        if fault.kind in (Kind.LOST, Kind.BROKEN):
            await _break_off(send)
        elif fault.kind is Kind.FORBIDDEN:
            await JSONResponse({"detail": "You do not have permission to perform this action."}, 403)(
                scope, receive, send
            )
        else:
            await HTMLResponse(PROXY, 502)(scope, receive, send)

    def _take(self, scope: Scope) -> Fault | None:
        for fault in self._faults:
            if fault.times and scope["method"] == fault.method and fault.path in scope["path"]:
                fault.times -= 1
                return fault
        return None


async def _nowhere(_: Message) -> None:
    """An answer that nobody gets."""


async def _break_off(send: Callable[[Any], Awaitable[None]]) -> None:
    """The server closes a connection whose answer is not what its head has promised."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000")]})
    await send({"type": "http.response.body", "body": b"{", "more_body": True})
    raise ConnectionResetError("as asked for by the test")
