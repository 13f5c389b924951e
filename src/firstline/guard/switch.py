"""Kill switches: what is thrown stops everything of its scope, until a person lifts it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from firstline.errors import Rejected
from firstline.guard.hold import Hold, moment
from firstline.guard.subject import folded

ALL = "all"
REMEDIATION = "remediation"  # by its id: what runs of it is ended as well
KINDS = ("connection", "runbook", "service", "environment", REMEDIATION)


@dataclass(frozen=True)
class Switch:
    scope: str
    by: str
    reason: str
    at: datetime


def scope(text: str) -> str:
    """A scope as it is kept. Raises `Rejected` for what is none."""
    cleaned = folded(text)
    if not _is_known(cleaned):
        raise Rejected(f"{text!r} is no scope of a switch: all, {', '.join(f'{kind}:NAME' for kind in KINDS)}")
    return cleaned


def holds(thrown: Iterable[Switch], scopes: frozenset[str]) -> list[Hold]:
    """One for each switch that stops what has these scopes. A switch that nobody understands stops everything."""
    return [_hold(each) for each in thrown if _stops(folded(each.scope), scopes)]


def _stops(thrown: str, scopes: frozenset[str]) -> bool:
    return thrown == ALL or thrown in scopes or not _is_known(thrown)


def _is_known(cleaned: str) -> bool:
    kind, _, name = cleaned.partition(":")
    return cleaned == ALL or (kind in KINDS and bool(name.strip()))


def _hold(thrown: Switch) -> Hold:
    why = f"the kill switch {thrown.scope} was thrown by {thrown.by} at {moment(thrown.at)}: {thrown.reason}"
    return Hold(guard="switch", why=why, mend=f"firstline guard lift {thrown.scope} --reason ...")
