"""A target rests between two remediations."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from firstline.guard.hold import Hold, lasting
from firstline.guard.subject import Subject


def holds(touched: Mapping[str, datetime], subject: Subject, seconds: float, now: datetime) -> list[Hold]:
    """`touched`: by target, when the last remediation let go of it, or took it where it has not let go yet."""
    rest = timedelta(seconds=seconds)
    ends = {target: touched[target] + rest for target in subject.targets if target in touched}
    return [_hold(target, end, seconds) for target, end in ends.items() if end > now]


def _hold(target: str, end: datetime, seconds: float) -> Hold:
    why = f"{target} was touched by another remediation less than {lasting(seconds)} ago"
    return Hold(guard="cooldown", why=why, until=end, mend="It goes on by itself.")
