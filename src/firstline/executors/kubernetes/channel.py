"""A command in a container, over a WebSocket.

The first byte of each message is its channel: 0 stdin, 1 stdout, 2 stderr, 3 the end, as a `Status`. A non-zero exit
status stands in the causes of that (k8s.io/apimachinery pkg/util/httpstream/wsstream; k8s.io/client-go
tools/remotecommand/v4.go). v5 adds 255, a channel's close (KEP 4006), which nothing here needs.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from urllib.parse import urlencode

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

from firstline.errors import Rejected, Unavailable
from firstline.executors.kubernetes.cluster import Cluster, exec_path, failure
from firstline.http import USER_AGENT

STDIN, STDOUT, STDERR, END = 0, 1, 2, 3
_PROTOCOLS = (Subprotocol("v5.channel.k8s.io"), Subprotocol("v4.channel.k8s.io"))
_PATIENCE = 30.0  # seconds for the way there
# In whose words a node can't be reached, or begins its container anew.
_PASSING = ("error dialing backend", "unable to upgrade connection", "container not found", "i/o timeout")
_PULSE = 20.0  # seconds between two pings, so that what lies between does not think it idle


class End(NamedTuple):
    """How it ended. `exit_status` None: it did not run at all, or nobody knows."""

    exit_status: int | None
    words: str


class Spot(NamedTuple):
    namespace: str
    pod: str
    container: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.pod}/{self.container}"


@asynccontextmanager
async def shell(
    cluster: Cluster, spot: Spot, command: Sequence[str], *, stdin: bool
) -> AsyncIterator[ClientConnection]:
    """Raises what the server refuses it for, and `Unavailable` when it can't be reached."""
    query = [("command", word) for word in command]
    query += [("container", spot.container), ("stdin", str(stdin).lower()), ("stdout", "true"), ("stderr", "true")]
    url = f"{cluster.access.url}{exec_path(spot.namespace, spot.pod)}?{urlencode(query)}"
    token = cluster.access.token()
    secure = url.startswith("https")
    try:
        connection = await connect(
            url.replace("http", "ws", 1),
            subprotocols=_PROTOCOLS,
            additional_headers={"Authorization": f"Bearer {token}"} if token else {},
            user_agent_header=USER_AGENT,
            ssl=cluster.access.tls if secure else None,
            server_hostname=(cluster.access.server_name or None) if secure else None,
            proxy=cluster.access.proxy or None,
            max_size=None,
            open_timeout=_PATIENCE,
            ping_interval=_PULSE,
            ping_timeout=None,
        )
    except InvalidStatus as error:
        answer = httpx.Response(error.response.status_code, content=bytes(error.response.body or b""))
        raise failure(answer, f"exec in {spot}") from error
    except (OSError, InvalidHandshake, TimeoutError) as error:
        raise Unavailable(f"exec in {spot}: {type(error).__name__}: {error}") from error
    async with connection:
        yield connection


async def run(cluster: Cluster, spot: Spot, command: Sequence[str]) -> tuple[End, str]:
    """A short command, with what it wrote to stdout."""
    written = b""
    async with shell(cluster, spot, command, stdin=False) as connection:
        async for channel, content in messages(connection, spot):
            if channel == END:
                return end_of(content), written.decode(errors="replace")
            if channel == STDOUT:
                written += content
    raise Unavailable(f"exec in {spot}: the connection was closed before the end")


async def until_said(connection: ClientConnection, spot: Spot, sign: bytes) -> None:
    """Returns when the command has written `sign` to stdout. Raises `Rejected` when it can't begin, `Unavailable` when
    its node can't be asked now. The server takes a connection before it asks the node (KEP 4006), so what is amiss
    there is told as an end."""
    written = b""
    try:
        async with asyncio.timeout(_PATIENCE):
            async for channel, content in messages(connection, spot):
                if channel == END:
                    words = f"exec in {spot}: {end_of(content).words}"
                    raise Unavailable(words) if any(each in words for each in _PASSING) else Rejected(words)
                if channel == STDOUT and sign in (written := written + content):
                    return
    except TimeoutError as error:
        raise Unavailable(f"exec in {spot}: nothing was begun within {_PATIENCE:g} seconds") from error
    raise Unavailable(f"exec in {spot}: the connection was closed before it began")


async def messages(connection: ClientConnection, spot: Spot) -> AsyncIterator[tuple[int, bytes]]:
    """Channel and content. Raises `Unavailable` when the connection breaks."""
    try:
        async for message in connection:
            content = message.encode() if isinstance(message, str) else message
            if content:
                yield content[0], content[1:]
    except (WebSocketException, OSError) as error:
        raise Unavailable(f"exec in {spot}: {type(error).__name__}: {error}") from error


def end_of(content: bytes) -> End:
    try:
        status: dict[str, Any] = json.loads(content)
    except ValueError:
        return End(None, f"its end is told in no words of the API: {content[:200]!r}")
    if status.get("status") == "Success":
        return End(0, "")
    causes = (status.get("details") or {}).get("causes") or []
    codes = [cause["message"] for cause in causes if cause.get("reason") == "ExitCode"]
    words = str(status.get("message", ""))
    return End(int(codes[0]) if codes and codes[0].isdecimal() else None, words)
