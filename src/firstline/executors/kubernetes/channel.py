"""A command in a container, over a WebSocket.

The first byte of each message is its channel: 0 stdin, 1 stdout, 2 stderr, 3 the end, as a `Status`. A non-zero exit
status stands in the causes of that (k8s.io/apimachinery pkg/util/httpstream/wsstream; k8s.io/client-go
tools/remotecommand/v4.go). v5 adds 255, a channel's close (KEP 4006), which nothing here needs.
"""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from urllib.parse import urlencode

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

from firstline.errors import Unavailable
from firstline.executors.kubernetes.cluster import Cluster, exec_path, failure
from firstline.http import USER_AGENT

STDIN, STDOUT, STDERR, END = 0, 1, 2, 3
_PROTOCOLS = (Subprotocol("v5.channel.k8s.io"), Subprotocol("v4.channel.k8s.io"))
_PATIENCE = 30.0  # seconds for the way there
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
        try:
            async for message in connection:
                content = bytes(message) if not isinstance(message, str) else message.encode()
                if content[:1] == bytes([END]):
                    return end_of(content[1:]), written.decode(errors="replace")
                if content[:1] == bytes([STDOUT]):
                    written += content[1:]
        except (WebSocketException, OSError) as error:
            raise Unavailable(f"exec in {spot}: {type(error).__name__}: {error}") from error
    raise Unavailable(f"exec in {spot}: the connection was closed before the end")


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
