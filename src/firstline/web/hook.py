"""POST /hooks/{connection}: the hot path. Raw ASGI: a framework would add more than all this costs."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import structlog
from sqlalchemy.exc import DBAPIError

from firstline.connector import Connector
from firstline.errors import Unauthorized
from firstline.intake.delivery import LIMIT, DeliveryLog

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

log = structlog.get_logger()
PREFIX = "/hooks/"


class _Gone(Exception):
    """The sender hung up in the middle of the body: nobody waits for an answer, and half a body is no delivery."""


class Hooks:
    """Answers 202 after the delivery is durably stored; 401 only for a signature that is missing or wrong, 413 above
    5 MiB, 404 for a connection that is not there, 503 when it can't be stored (the vendor sends it again)."""

    def __init__(self, connections: dict[str, Connector[Any]], deliveries: DeliveryLog) -> None:
        self._connections = connections
        self._deliveries = deliveries

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            status, words = await self._accept(scope, receive)
        except _Gone:
            return
        await _answer(send, status, words)

    async def _accept(self, scope: Scope, receive: Receive) -> tuple[int, bytes]:
        if scope["method"] != "POST":
            return 405, b'{"error":"send it with POST"}'
        name = scope["path"].removeprefix(PREFIX)
        connector = self._connections.get(name)
        if connector is None:
            return 404, b'{"error":"no such connection in firstline.toml"}'
        headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
        body = await _read(headers, receive)
        if body is None:
            return 413, b'{"error":"more than 5 MiB"}'
        try:
            key = connector.verify(headers, body)
        except Unauthorized as error:
            log.warning("hook.refused", connection=name, reason=str(error))
            return 401, b'{"error":"the signature is missing or wrong"}'
        try:
            await self._deliveries.append(name, key, headers, body)
        except DBAPIError:
            log.exception("hook.not_stored", connection=name)
            return 503, b'{"error":"it could not be stored; send it again"}'
        return 202, b'{"status":"accepted"}'


async def _read(headers: dict[str, str], receive: Receive) -> bytes | None:
    """The whole body, or None when it is over the limit: by its announced length, or as it comes."""
    announced = headers.get("content-length", "")
    if announced.isdigit() and int(announced) > LIMIT:
        return None
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
        part = message.get("body", b"")
        size += len(part)
        if size > LIMIT:
            return None
        parts.append(part)
        if not message.get("more_body"):
            return parts[0] if len(parts) == 1 else b"".join(parts)


async def _answer(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
