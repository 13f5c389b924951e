"""What all suites for connectors stand on: the connector, its sandbox, and the incident in it."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from firstline.connector import Connector
from firstline.errors import Rejected, Unauthorized, Unavailable
from firstline.incident import Reference

Loopback = Callable[[Any], str]

STATUSES = [
    (400, Rejected),
    (401, Unauthorized),
    (403, Rejected),
    (404, Rejected),
    (409, Rejected),
    (429, Unavailable),
    (500, Unavailable),
    (502, Unavailable),
    (503, Unavailable),
    (504, Unavailable),
]


class OnSandbox(ABC):
    """Filled once for a connector, whichever suites it mixes in."""

    pytestmark = pytest.mark.anyio

    secret = "the-webhook-secret"  # noqa: S105 - nobody's

    @abstractmethod
    def connector(self, base_url: str) -> Connector[Any]:
        """A connector for the address, with `self.secret` as its webhook secret and some API password in it."""

    @abstractmethod
    def sandbox(self) -> Any:
        """The sandbox's ASGI application, with an incident in it."""

    @abstractmethod
    def incident(self) -> Reference:
        """The reference of that open incident, of connection `contract`."""

    @abstractmethod
    def webhook(self) -> tuple[dict[str, str], bytes]:
        """Headers (in lower case) and body of a webhook that says the incident was opened, signed with
        `self.secret`."""


def always(status: int, headers: dict[str, str] | None = None, body: str = '{"error": "as asked"}') -> Starlette:
    """A server that answers so whatever it is asked."""

    async def answer(_: Request) -> PlainTextResponse:
        return PlainTextResponse(
            body, status_code=status, headers={"Content-Type": "application/json", **(headers or {})}
        )

    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    return Starlette(routes=[Route("/{path:path}", answer, methods=methods)])
