"""How much may be touched at once: so many targets, and such a share of their group. Two caps, each by itself."""

from collections.abc import Iterable

from firstline.guard.hold import Hold
from firstline.guard.settings import Blast
from firstline.guard.subject import Subject


def holds(subject: Subject, limits: Blast, busy: Iterable[str] = ()) -> list[Hold]:
    """`busy`: targets that other remediations have in hand. What goes over a cap alone never will be let go; what does
    so with others of its group waits for them."""
    return [*_count(subject, limits), *_share(subject, limits, busy)]


def _count(subject: Subject, limits: Blast) -> list[Hold]:
    cap = _lower(limits.targets, subject.most_targets)
    if cap is None or len(subject.targets) <= cap:
        return []
    why = f"{len(subject.targets)} targets; at most {cap} may be touched at once"
    return [Hold(guard="blast", why=why, ends=True, mend="Look whether the incident means so many.")]


def _share(subject: Subject, limits: Blast, busy: Iterable[str]) -> list[Hold]:
    cap = _lower(limits.share, subject.most_share)
    if cap is None or not subject.group:
        return []
    own, size = len(subject.targets), len(subject.group)
    others = len({each for each in busy if each in subject.group and each not in subject.targets})
    if own <= cap * size and own + others <= cap * size:
        return []
    with_others = f" and {others} in the hands of others" if others else ""
    why = f"{own} of a group of {size}{with_others}; at most {cap:.0%} of it may be touched at once"
    alone = own > cap * size
    mend = "Look whether the incident means so many." if alone else "It goes on when the others have ended."
    return [Hold(guard="blast", why=why, ends=alone, mend=mend)]


def _lower(one: float | None, other: float | None) -> float | None:
    known = [each for each in (one, other) if each is not None]
    return min(known) if known else None
