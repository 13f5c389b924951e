"""Many at once are one trouble: one remediation goes first, the rest are attached to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from firstline.guard.hold import lasting
from firstline.guard.settings import Often


@dataclass(frozen=True)
class Begun:
    """A remediation of the same mapping or service. `active`: it has not ended."""

    remediation: str
    at: datetime
    active: bool


def parent(begun: Sequence[Begun], limit: Often | None, now: datetime) -> str | None:
    """The remediation that one more is attached to: the first that is at it still, where `count` began within the
    window. None: no storm, or nobody at it."""
    if limit is None:
        return None
    recent = [each for each in begun if now - timedelta(seconds=limit.within) < each.at]
    if len(recent) < limit.count:
        return None
    return next((each.remediation for each in sorted(recent, key=_order) if each.active), None)


def why(what: str, limit: Often) -> str:
    return f"one of a storm: {limit.count} or more of {what} began within {lasting(limit.within)}"


def _order(begun: Begun) -> tuple[datetime, str]:
    return begun.at, begun.remediation
