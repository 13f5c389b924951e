"""So many remediations for each stretch of time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from firstline.guard.hold import Hold, lasting
from firstline.guard.settings import Rate


@dataclass(frozen=True)
class Counted:
    """`what` is limited by `rate`. `filled`: when the oldest of the newest `rate.count` others of it was let go; None:
    there were fewer, as far as the rate looks back."""

    what: str
    rate: Rate
    filled: datetime | None


def holds(counted: Sequence[Counted], now: datetime) -> list[Hold]:
    return [held for each in counted if (held := _hold(each, now))]


def _hold(counted: Counted, now: datetime) -> Hold | None:
    """Held until so many have grown old that one more fits."""
    rate, per = counted.rate, timedelta(seconds=counted.rate.per)
    if counted.filled is None or counted.filled + per <= now:
        return None
    why = f"{counted.what}: no more than {rate.count} in {lasting(rate.per)}"
    return Hold(guard="rate", why=why, until=counted.filled + per, mend="It goes on by itself.")
