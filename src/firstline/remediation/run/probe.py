"""Looks that need no program: an address, a port, a question to a database or Prometheus, the incident itself."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx

from firstline import http
from firstline.errors import FirstlineError
from firstline.incident import Incident, IncidentState
from firstline.remediation.context import Context
from firstline.remediation.run.finding import Outcome
from firstline.runbook import Check, Http
from firstline.runbook.plan import RESULT, Query

BODY = 65_536  # bytes of an answer that are read, and that `contains` is looked for in
SHOWN = 200  # characters of what was seen instead
OVER = frozenset({IncidentState.RESOLVED, IncidentState.CLOSED})

Seen = tuple[bool, bool, str]  # whether it holds, whether it could be looked at, what was seen
Look = Callable[[], Awaitable[Outcome]]


def of(context: Context, incident: Incident, phase: str, check: Check) -> Look | None:
    """How to look, once; None for a check that is a program."""
    way: Callable[[], Awaitable[Seen]]
    if check.http is not None:
        probe = check.http
        way = lambda: _address(probe, check.timeout)  # noqa: E731 - each has other arguments
    elif check.query is not None:
        query = check.query
        way = lambda: _answer(context, query, check.timeout)  # noqa: E731
    elif check.tcp:
        way = lambda: _port(check.tcp, check.timeout)  # noqa: E731
    elif check.alert:
        way = lambda: _alert(context, incident, check)  # noqa: E731
    else:
        return None

    async def look() -> Outcome:
        ok, answered, detail = await way()
        return Outcome(phase=phase, name=check.name, target=check.target, ok=ok, answered=answered, detail=detail)

    return look


async def _address(probe: Http, timeout: float) -> Seen:
    """A redirect is an answer of its own, and is not followed."""
    asked = http.client("", headers={"Accept": "*/*"})
    try:
        async with asyncio.timeout(timeout), asked, asked.stream("GET", probe.url, timeout=timeout) as response:
            text = await _beginning(response)
    except (httpx.RequestError, httpx.InvalidURL, TimeoutError) as error:
        return False, False, f"no answer: {_words(error)}"
    ok = response.status_code == probe.status and probe.contains in text
    return ok, True, "" if ok else f"answered {response.status_code}: {text[:SHOWN]}"


async def _beginning(response: httpx.Response) -> str:
    """As much as is looked at: a body may have no end."""
    body = b""
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) >= BODY:
            break
    try:
        return body[:BODY].decode(response.charset_encoding or "utf-8", "replace")
    except LookupError:  # of no such name, or one that is no text
        return body[:BODY].decode("utf-8", "replace")


async def _port(address: str, timeout: float) -> Seen:
    host, _, port = address.rpartition(":")
    try:
        async with asyncio.timeout(timeout):
            _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    except ConnectionRefusedError as error:
        return False, True, f"no connection: {_words(error)}"
    except (OSError, UnicodeError) as error:  # a host that says nothing, or a name that is none
        return False, False, f"no connection: {_words(error)}"
    writer.close()
    return True, True, ""


async def _answer(context: Context, query: Query, timeout: float) -> Seen:
    """What can't be asked has no answer, which is not the same as "it does not hold"."""
    try:
        value, number = await context.source(query.source).ask(query.ask, query.values, timeout)
        holds = RESULT.compile(query.holds).test(RESULT.bind({"value": value, "count": number}))
    except FirstlineError as error:
        return False, False, f"{query.source}: {error}"
    return holds, True, "" if holds else f"value {str(value)[:SHOWN]}, count {number}"


async def _alert(context: Context, incident: Incident, check: Check) -> Seen:
    reference = incident.reference
    try:
        async with context.asking(reference.connection), asyncio.timeout(check.timeout):
            now = await context.connector(reference.connection).fetch(reference)
    except (FirstlineError, TimeoutError) as error:
        return False, False, f"{reference.connection}: {_words(error)}"
    over = now.state in OVER
    return over is (check.alert == "closed"), True, f"{reference.label} is {now.state}"


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error)[:SHOWN]}".rstrip(": ")
