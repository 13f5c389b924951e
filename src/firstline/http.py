"""The one place that makes HTTP clients and turns a status code into an error."""

import ssl
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from firstline.errors import FirstlineError, Rejected, Unauthorized, Unavailable
from firstline.meter import Meter, Quota

NoAnswer = httpx.TransportError  # what a client raises when no answer came

CONNECT_TIMEOUT = 5.0
TIMEOUT = 30.0
USER_AGENT = "firstline/0.1"
WORDS = 500  # how much of a vendor's answer an error quotes

# 408 time-out, 423 locked, 425 too early, 429 rate limit: the request was well, the moment was not.
_LATER = frozenset({408, 423, 425, 429})


def client(
    base_url: str,
    *,
    headers: Mapping[str, str] | None = None,
    auth: httpx.Auth | tuple[str, str] | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    meter: Meter | None = None,
    quota: Callable[[Mapping[str, str]], Quota | None] | None = None,
) -> httpx.AsyncClient:
    """Make a client for one system: bounded time-outs, no redirects (a redirect would carry credentials elsewhere), no
    proxies from the environment, no retries (retrying is the hub's).

    `meter` counts each request; `quota` reads the vendor's limit out of an answer's headers for it."""
    return httpx.AsyncClient(
        base_url=base_url,
        headers={"User-Agent": USER_AGENT, "Accept": "application/json", **(headers or {})},
        auth=auth,
        timeout=httpx.Timeout(TIMEOUT, connect=CONNECT_TIMEOUT),
        follow_redirects=False,
        trust_env=False,
        verify=_tls(),
        transport=transport,
        event_hooks=_hooks(meter, quota) if meter else None,
    )


def blocking_client(
    base_url: str, *, headers: Mapping[str, str] | None = None, ca: Path | None = None, timeout: float = TIMEOUT
) -> httpx.Client:
    """As `client`, for what is read before there is a loop, or in a thread. `ca`: certificates to trust instead of the
    world's. Raises OSError when they can't be read."""
    return httpx.Client(
        base_url=base_url,
        headers={"User-Agent": USER_AGENT, "Accept": "application/json", **(headers or {})},
        timeout=httpx.Timeout(timeout, connect=min(timeout, CONNECT_TIMEOUT)),
        follow_redirects=False,
        trust_env=False,
        verify=ssl.create_default_context(cafile=ca) if ca else _tls(),
    )


@cache
def _tls() -> ssl.SSLContext:
    """One for all clients: to read the certificates of the world takes tens of milliseconds each time."""
    return httpx.create_ssl_context(trust_env=False)


def _hooks(meter: Meter, quota: Callable[[Mapping[str, str]], Quota | None] | None) -> dict[str, list[Any]]:
    async def count(_: httpx.Request) -> None:
        meter.sent()

    async def learn(response: httpx.Response) -> None:
        told = quota(response.headers) if quota else None
        if told:
            meter.told(told)

    return {"request": [count], "response": [learn]}


async def request(http: httpx.AsyncClient, method: str, url: str, **options: Any) -> httpx.Response:
    """Send and return an answer that is a success; raise one of `firstline.errors` for anything else."""
    try:
        response = await http.request(method, url, **options)
    except httpx.TransportError as error:
        raise Unavailable(f"{method} {url}: {type(error).__name__}: {error}") from error
    if not response.is_success:
        raise error_for(response.status_code, response.text, response.headers, f"{method} {response.url.path}")
    return response


def error_for(status: int, words: str, headers: Mapping[str, str], what: str) -> FirstlineError:
    """The error for an HTTP status that is not a success. `words` is the answer's body, quoted in part; `what` names
    the request. 403 is `Rejected`, not `Unauthorized`: signed in, but this one thing is not permitted."""
    if 300 <= status < 400:  # followed nowhere: it would take credentials along
        to = next((value for name, value in headers.items() if name.lower() == "location"), "").partition("?")[0]
        words = f"it leads to {to or 'elsewhere'}; is the url right, and who we are accepted? {words}"
    message = f"{what} answered {status}: {' '.join(words.split())[:WORDS]}"
    if status in _LATER or status >= 500:
        return Unavailable(message, retry_after=retry_after(headers))
    if status == 401:
        return Unauthorized(message)
    return Rejected(message)


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds that `Retry-After` asks for: a number or a date (RFC 9110, 10.2.3). None when absent or unreadable."""
    value = next((v for k, v in headers.items() if k.lower() == "retry-after"), "").strip()
    if not value:
        return None
    if value.isdecimal():
        return float(value)
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)  # "-0000": UTC, from who knows where
    return max(0.0, (when - (now or datetime.now(UTC))).total_seconds())
