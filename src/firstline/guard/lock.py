"""A target belongs to one remediation at a time."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from firstline.guard.hold import Hold
from firstline.guard.subject import Subject


@dataclass(frozen=True)
class Lock:
    target: str
    remediation: str
    expires_at: datetime


def holds(locks: Iterable[Lock], subject: Subject, now: datetime) -> list[Hold]:
    """One for each target that another remediation has."""
    taken = (each for each in others(locks, subject, now) if each.target in subject.targets)
    return [_hold(each) for each in taken]


def others(locks: Iterable[Lock], subject: Subject, now: datetime) -> list[Lock]:
    """Those that another remediation has, and that have not expired."""
    return [each for each in locks if each.remediation != subject.remediation and each.expires_at > now]


def _hold(taken: Lock) -> Hold:
    why = f"{taken.target} is locked by remediation {taken.remediation}"
    return Hold(guard="lock", why=why, until=taken.expires_at, mend="It goes on when the other one has ended.")
