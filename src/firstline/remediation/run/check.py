"""Checks: does what must be true hold? Tried again within the time the runbook gives, and held as long as it says."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from firstline import http
from firstline.remediation.run.finding import Outcome
from firstline.remediation.run.procedure import Procedure
from firstline.runbook import Check, Command, Http

PROBE_BODY = 65_536  # characters of an answer that `contains` is looked for in


async def hold(procedure: Procedure, phase: str, check: Check) -> Outcome:
    """Look until the check holds for its `hold`, or its `within` is over. The outcome says what was seen last."""
    look = _look(procedure, phase, check)
    began = time.monotonic()
    held_since: float | None = None
    while True:
        seen = await look()
        moment = time.monotonic()
        held_since = (held_since or moment) if seen.ok else None
        if held_since is not None and moment - held_since >= check.hold:
            took = f"after {moment - began:.1f} s"
            return seen.model_copy(update={"detail": took + (f", held for {check.hold:g} s" if check.hold else "")})
        if held_since is None and moment - began >= check.within:
            tried = f" (looked for {check.within:g} s)" if check.within else ""
            return seen.model_copy(update={"detail": f"{seen.detail or 'does not hold'}{tried}"})
        await asyncio.sleep(check.every)


def _look(procedure: Procedure, phase: str, check: Check) -> Callable[[], Awaitable[Outcome]]:
    if check.http is not None:
        probe = check.http
        return lambda: _ask(phase, check, probe)
    command = Command(
        name=check.name,
        target=check.target,
        executor=check.executor,
        run=check.run,
        environment=check.environment,
        timeout=check.timeout,
    )
    return lambda: procedure.probe(phase, command)


async def _ask(phase: str, check: Check, probe: Http) -> Outcome:
    try:
        async with http.client("", headers={"Accept": "*/*"}) as client, asyncio.timeout(check.timeout):
            response = await client.get(probe.url)
    except (http.NoAnswer, TimeoutError) as error:
        detail = f"no answer: {type(error).__name__}"
        return Outcome(phase=phase, name=check.name, target=check.target, ok=False, detail=detail)
    ok = response.status_code == probe.status and probe.contains in response.text[:PROBE_BODY]
    detail = "" if ok else f"answered {response.status_code}: {response.text[:120]}"
    return Outcome(phase=phase, name=check.name, target=check.target, ok=ok, detail=detail)
