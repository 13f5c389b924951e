"""One request and its answer: bounded in time and size, and, when no answer came, whether the request was sent."""

import asyncio
import json
import re
import ssl
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from firstline.errors import Unavailable
from firstline.http import CONNECT_TIMEOUT, client

ANSWER = 1_048_576  # bytes of an answer that are read, unless told otherwise
TIMEOUT = 30.0  # seconds for a whole request with its answer
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class NotSent(Unavailable):
    """No connection: the other end has surely not had the request."""


class Lost(Unavailable):
    """The request was sent, or part of it, and no answer came: what it did can't be told from here."""


class Answer(NamedTuple):
    """What came back. `whole` is false when it was longer than was read."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    whole: bool

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        return self.content.decode(errors="replace")

    def json(self) -> Any:
        """Raises ValueError where it is none, or not whole."""
        if not self.whole:
            raise ValueError(f"the answer is longer than {len(self.content)} bytes")
        try:
            found = json.loads(self.content, parse_constant=_refuse)
            return _without_halves(found) if _SURROGATE.search(self.content) else found
        except RecursionError:
            raise ValueError("it is nested too deep") from None
        except ValueError as error:
            if self.headers.get("content-type", "").startswith("text/html"):
                words = "it is a page for people; does a proxy ask to sign in, or is the url another's?"
                raise ValueError(words) from None
            raise error from None

    def at(self, otherwise: float) -> float:
        """When it was answered by the other end's own clock, in seconds since 1970; whole seconds (RFC 9110, 6.6.1)."""
        try:
            return parsedate_to_datetime(self.headers["date"]).timestamp()
        except (KeyError, ValueError):
            return otherwise


def make(
    url: str, headers: Mapping[str, str], ca: Path | None, auth: tuple[str, str] | None = None
) -> httpx.AsyncClient:
    """A client for one system. Raises OSError when `ca` can't be read, ssl.SSLError when it holds no certificate."""
    transport = None
    if ca is not None:
        transport = httpx.AsyncHTTPTransport(verify=ssl.create_default_context(cafile=ca), trust_env=False)
    return client(url, headers={"Accept-Encoding": "identity", **headers}, auth=auth, transport=transport)


class Line:
    """A client that is made when it is first needed, and again after it was closed. It keeps no cookies: a session
    would outlive the token that it was made with. Answers come as they are: what a few bytes unpack to is not bounded.
    """

    def __init__(self, make: Callable[[], httpx.AsyncClient]) -> None:
        self._make = make
        self._http: httpx.AsyncClient | None = None

    async def ask(
        self,
        method: str,
        url: str,
        *,
        limit: int = ANSWER,
        timeout: float = TIMEOUT,
        **options: Any,
    ) -> Answer:
        """Send it, and read at most `limit` bytes of the answer, whatever its status. `timeout` is for the whole of it.
        Raises `NotSent` or `Lost`."""
        what = f"{method} {url}"
        self._http = self._http or self._make()
        options["timeout"] = httpx.Timeout(timeout, connect=CONNECT_TIMEOUT)
        try:
            async with asyncio.timeout(timeout), self._http.stream(method, url, **options) as response:
                self._http.cookies.clear()
                return await _read(response, limit)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise NotSent(f"{what}: no connection: {error or type(error).__name__}") from None
        except TimeoutError:
            raise Lost(f"{what}: no answer within {timeout:g} seconds") from None
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise Lost(f"{what}: {type(error).__name__}: {error}") from None

    async def aclose(self) -> None:
        http, self._http = self._http, None
        if http:
            await http.aclose()


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no JSON")


def _without_halves(found: Any) -> Any:
    """Half a character, which `\\ud800` alone writes, can be sent nowhere and kept nowhere: it becomes a question
    mark."""
    return json.loads(json.dumps(found, ensure_ascii=False).encode(errors="replace"))


async def _read(response: httpx.Response, limit: int) -> Answer:
    if packed := response.headers.get("content-encoding", "identity").removeprefix("identity"):
        raise httpx.DecodingError(f"the answer is packed ({packed}), and nobody asked for that")
    content = bytearray()
    async for piece in response.aiter_bytes(65_536):
        content += piece
        if len(content) > limit:
            return Answer(response.status_code, response.headers, bytes(content[:limit]), whole=False)
    return Answer(response.status_code, response.headers, bytes(content), whole=True)
