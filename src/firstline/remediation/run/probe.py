"""Looks that need no program: an address, a port, a question to a database or Prometheus, the incident itself."""

import asyncio
from collections.abc import Awaitable, Callable

from firstline import http
from firstline.errors import FirstlineError
from firstline.incident import Incident, IncidentState
from firstline.remediation.context import Context
from firstline.remediation.run.finding import Outcome
from firstline.runbook import Check, Http
from firstline.runbook.plan import RESULT, Query

BODY = 65_536  # characters of an answer that `contains` is looked for in
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
    try:
        async with http.client("", headers={"Accept": "*/*"}) as client, asyncio.timeout(timeout):
            response = await client.get(probe.url)
    except (http.NoAnswer, TimeoutError) as error:
        return False, True, f"no answer: {type(error).__name__}"
    ok = response.status_code == probe.status and probe.contains in response.text[:BODY]
    return ok, True, "" if ok else f"answered {response.status_code}: {response.text[:120]}"


async def _port(address: str, timeout: float) -> Seen:
    host, _, port = address.rpartition(":")
    try:
        async with asyncio.timeout(timeout):
            _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    except (OSError, TimeoutError) as error:
        return False, True, f"no connection: {type(error).__name__}: {error}".rstrip(": ")
    writer.close()
    return True, True, ""


async def _answer(context: Context, query: Query, timeout: float) -> Seen:
    """What can't be asked has no answer, which is not the same as "it does not hold"."""
    try:
        value, number = await context.source(query.source).ask(query.ask, query.values, timeout)
        holds = RESULT.compile(query.holds).test(RESULT.bind({"value": value, "count": number}))
    except FirstlineError as error:
        return False, False, f"{query.source}: {error}"
    return holds, True, "" if holds else f"value {value}, count {number}"


async def _alert(context: Context, incident: Incident, check: Check) -> Seen:
    reference = incident.reference
    try:
        async with context.asking(reference.connection), asyncio.timeout(check.timeout):
            now = await context.connector(reference.connection).fetch(reference)
    except (FirstlineError, TimeoutError) as error:
        return False, False, f"{reference.connection}: {type(error).__name__} {error}".rstrip()
    over = now.state in OVER
    return over is (check.alert == "closed"), True, f"{reference.label} is {now.state}"
