"""What a remediation is about to touch, as the guards look at it."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Subject:
    """Names of targets, services and windows' items are compared as `folded` gives them: a host is the same however it
    is written. `runbook` is pack and id; `fault` the same for the same fault on the same item."""

    remediation: str
    runbook: str
    environment: str
    service: str
    fault: str
    targets: tuple[str, ...]
    group: tuple[str, ...] = ()
    names: frozenset[str] = frozenset()  # all by which a window may mean it: targets, CI, service, environment
    most_targets: int | None = None  # the runbook's own limits
    most_share: float | None = None


def folded(name: str) -> str:
    return name.strip().casefold()


def fold(names: Iterable[str]) -> tuple[str, ...]:
    """Each once, in order; those that say nothing left out."""
    return tuple(dict.fromkeys(name for name in map(folded, names) if name))
