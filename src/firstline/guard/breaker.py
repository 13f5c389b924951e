"""A runbook that fails again and again rests; after the rest one remediation tries whether it works again."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from firstline.guard.hold import Hold
from firstline.guard.settings import Breaker

FAILED = frozenset({"failed", "unknown"})
PROVED = "proved"


@dataclass(frozen=True)
class State:
    """Of one runbook in one environment. Open where `opened_at` is set: it rests until `until`; then it is half-open,
    and `probe` is the one remediation that was let through."""

    failures: int = 0
    last_at: datetime | None = None
    opened_at: datetime | None = None
    until: datetime | None = None
    probe: str | None = None


Stage = Literal["closed", "open", "half-open"]


def stage(state: State, now: datetime) -> Stage:
    if state.opened_at is None:
        return "closed"
    # An open one without an end stays open: nobody knows for how long.
    return "open" if state.until is None or now < state.until else "half-open"


def holds(state: State, remediation: str, runbook: str, now: datetime) -> list[Hold]:
    at = stage(state, now)
    if at == "open":
        why = f"the breaker of {runbook} is open: it failed {state.failures} times in a row"
        mend = "Mend the runbook, or override this remediation. After the rest one is let through to try it."
        return [Hold(guard="breaker", why=why, until=state.until, mend=mend)]
    if at == "half-open" and state.probe not in (None, remediation):
        why = f"the breaker of {runbook} lets one remediation through to try it: {state.probe}"
        return [Hold(guard="breaker", why=why, mend="It goes on when that one is proved.")]
    return []


def probing(state: State, remediation: str, now: datetime) -> State:
    """The state once this remediation was let go."""
    return replace(state, probe=remediation) if stage(state, now) == "half-open" else state


def after(state: State, remediation: str, outcome: str, limit: Breaker, now: datetime) -> State:
    """The state once a remediation has ended. One that neither failed nor was proved says nothing of the runbook."""
    mine = replace(state, probe=None) if state.probe == remediation else state
    if outcome == PROVED:
        return State() if state.opened_at is None or _tries(state, remediation, now) else mine
    if outcome not in FAILED:
        return mine
    lasting = state.last_at is not None and now - state.last_at <= timedelta(seconds=limit.within)
    failures = state.failures + 1 if lasting or state.opened_at is not None else 1
    failed = replace(mine, failures=failures, last_at=now)
    opens = failures >= limit.failures if state.opened_at is None else _tries(state, remediation, now)
    return replace(failed, opened_at=now, until=now + timedelta(seconds=limit.rest)) if opens else failed


def tripped(before: State, after: State) -> bool:
    """Opened, or opened again."""
    return after.opened_at is not None and after.opened_at != before.opened_at


def _tries(state: State, remediation: str, now: datetime) -> bool:
    """Whether its end tells that the runbook works again, or still does not: of those that began before the breaker
    opened it tells nothing new."""
    return stage(state, now) == "half-open" and state.probe in (None, remediation)
