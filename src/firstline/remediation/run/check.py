"""Checks: does what must be true hold? Tried again within the time the runbook gives, and held as long as it says."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

from firstline.declaration import Json
from firstline.remediation.run import probe
from firstline.remediation.run.finding import Outcome
from firstline.remediation.run.procedure import Procedure
from firstline.runbook import Check, Command

Look = Callable[[], Awaitable[Outcome]]


async def hold(procedure: Procedure, phase: str, check: Check, values: Mapping[str, Json]) -> Outcome:
    """Look until the check holds for its `hold`, or its `within` is over. The outcome says what was seen last.
    `values` complete its late texts."""
    look = _look(procedure, phase, check, values)
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
            said = seen.detail or "does not hold"
            unseen = "" if seen.answered else "could not be looked at: "
            return seen.model_copy(update={"detail": f"{unseen}{said}{tried}"})
        await asyncio.sleep(check.every)


def _look(procedure: Procedure, phase: str, check: Check, values: Mapping[str, Json]) -> Look:
    look = probe.of(procedure.context, procedure.incident, phase, check)
    if look is not None:
        return look
    command = Command.model_validate(check.model_dump(include=set(Command.model_fields)))
    return lambda: procedure.probe(phase, command, values)
