"""Times in which nothing may be changed (freezes), and times outside which nothing may be (maintenance windows)."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from firstline.guard.hold import Hold, moment

Kind = Literal["freeze", "maintenance"]
_ALL = ""  # stands in the index for what a window means that names nothing


@dataclass(frozen=True)
class Window:
    """From `start` to before `end`. `items`: folded names of what it is about; empty: everything. `place` says where a
    person finds it."""

    kind: Kind
    name: str
    start: datetime
    end: datetime
    items: frozenset[str] = frozenset()
    place: str = ""


class Windows:
    """All that are known until `known_until`, indexed by what they name.

    `bound`: names that may only be changed in a maintenance window, also where none is known yet. `faults`: what could
    not be read; as long as there is one, nothing may be changed, because nobody knows what it would have said."""

    def __init__(
        self,
        windows: Iterable[Window] = (),
        *,
        bound: Iterable[str] = (),
        faults: Sequence[str] = (),
        known_until: datetime | None = None,
    ) -> None:
        self.all = tuple(sorted(windows, key=lambda each: each.start))
        self.faults = tuple(faults)
        self.known_until = known_until
        self._freezes = _indexed(each for each in self.all if each.kind == "freeze")
        self._maintenance = _indexed(each for each in self.all if each.kind == "maintenance")
        self._bound = frozenset(bound) | frozenset(self._maintenance)

    def holds(self, names: Iterable[str], now: datetime) -> list[Hold]:
        """For what has these names, folded."""
        known = [*sorted(names), _ALL]
        return [*self._unread(now), *self._frozen(known, now), *self._outside(known, now)]

    def _unread(self, now: datetime) -> list[Hold]:
        mend = "Mend the file, or take it out of the folder; it is read again by itself."
        found = [Hold(guard="freeze", why=f"a calendar can't be read: {each}", mend=mend) for each in self.faults]
        if self.known_until is not None and now >= self.known_until:
            why = f"the calendars were read until {moment(self.known_until)} only, and not again since"
            found.append(Hold(guard="freeze", why=why, mend="Look why the hub does not read them: its log says it."))
        return found

    def _frozen(self, names: Sequence[str], now: datetime) -> list[Hold]:
        found = {each: None for name in names for each in _current(self._freezes, name, now)}
        return [_freeze(each) for each in found]

    def _outside(self, names: Sequence[str], now: datetime) -> list[Hold]:
        outside = (name for name in names if name in self._bound and not _current(self._maintenance, name, now))
        return [_maintenance(name, _next(self._maintenance, name, now)) for name in outside]


_Index = dict[str, tuple[list[datetime], list[Window]]]


def _indexed(windows: Iterable[Window]) -> _Index:
    """By name: the windows in the order they start, and their starts."""
    named: dict[str, list[Window]] = defaultdict(list)
    for each in windows:
        for item in each.items or (_ALL,):
            named[item].append(each)
    return {item: ([each.start for each in found], found) for item, found in named.items()}


def _current(index: _Index, name: str, now: datetime) -> list[Window]:
    starts, windows = index.get(name, ([], []))
    return [each for each in windows[: bisect_right(starts, now)] if now < each.end]


def _next(index: _Index, name: str, now: datetime) -> Window | None:
    starts, windows = index.get(name, ([], []))
    return next(iter(windows[bisect_right(starts, now) :]), None)


def _freeze(window: Window) -> Hold:
    what = f" for {', '.join(sorted(window.items))}" if window.items else ""
    why = f"{window.name}{what}: nothing is changed from {moment(window.start)} to {moment(window.end)}{_at(window)}"
    return Hold(
        guard="freeze", why=why, until=window.end, mend="It goes on afterwards; `guard override` lets it go now."
    )


def _maintenance(name: str, window: Window | None) -> Hold:
    what = name or "everything"
    if window is None:
        why = f"{what} is changed in its maintenance windows only, and no further one is known"
        return Hold(guard="maintenance", why=why, mend="Add the next window to the calendar.")
    why = f"{what} is changed in its maintenance windows only; the next is {window.name}{_at(window)}"
    return Hold(guard="maintenance", why=why, until=window.start, mend="It goes on then.")


def _at(window: Window) -> str:
    return f" ({window.place})" if window.place else ""
