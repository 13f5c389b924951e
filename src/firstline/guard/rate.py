"""So many remediations for each stretch of time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from firstline.guard.hold import Hold, lasting
from firstline.guard.settings import Rate


@dataclass(frozen=True)
class Counted:
    """`what` is limited by `rate`; `begun`: when others of it were let go, in any order."""

    what: str
    rate: Rate
    begun: Sequence[datetime]


def holds(counted: Sequence[Counted], now: datetime) -> list[Hold]:
    return [held for each in counted if (held := _hold(each, now))]


def _hold(counted: Counted, now: datetime) -> Hold | None:
    """Held until so many have grown old that one more fits."""
    rate, per = counted.rate, timedelta(seconds=counted.rate.per)
    recent = sorted(each for each in counted.begun if now - per < each)
    if len(recent) < rate.count:
        return None
    why = f"{counted.what}: {len(recent)} of at most {rate.count} in {lasting(rate.per)}"
    return Hold(guard="rate", why=why, until=recent[-rate.count] + per, mend="It goes on by itself.")
