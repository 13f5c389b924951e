"""The same fault, again and again: the runbook only hides what a person has to find."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from firstline.guard.hold import Hold, lasting
from firstline.guard.settings import Often


def holds(mended: Sequence[datetime], limit: Often | None, now: datetime) -> list[Hold]:
    """`mended`: when other remediations of the same fault were let go. With `count` of them no further one is."""
    if limit is None:
        return []
    since = now - timedelta(seconds=limit.within)
    times = sum(since < each <= now for each in mended)
    if times < limit.count:
        return []
    why = f"the same fault came back after {times} remediations within {lasting(limit.within)}"
    return [Hold(guard="flap", why=why, ends=True, mend="Open a problem record: the cause is elsewhere.")]
