"""Freezes and maintenance windows, by what they name and when."""

from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.guard.case import DAY, HOUR, MINUTE, NOON

from firstline.guard import Window, Windows


def freeze(start: datetime, end: datetime, *items: str) -> Window:
    return Window("freeze", "Christmas", start, end, frozenset(items), "freeze.ics:4")


def maintenance(start: datetime, end: datetime, *items: str) -> Window:
    return Window("maintenance", "Saturday", start, end, frozenset(items), "weekly.ics:4")


def test_nothing_is_changed_in_a_freeze_and_it_is_said_until_when_and_where_it_stands() -> None:
    [held] = Windows([freeze(NOON, NOON + HOUR)]).holds({"web1"}, NOON)
    assert (held.guard, held.until, held.ends) == ("freeze", NOON + HOUR, False)
    assert "Christmas" in held.why
    assert "freeze.ics:4" in held.why


def test_a_freeze_holds_from_its_first_moment_to_before_its_last() -> None:
    windows = Windows([freeze(NOON, NOON + HOUR)])
    moments = [NOON - MINUTE, NOON, NOON + HOUR - MINUTE, NOON + HOUR]
    assert [bool(windows.holds({"web1"}, at)) for at in moments] == [False, True, True, False]


def test_a_freeze_that_names_something_holds_only_that() -> None:
    windows = Windows([freeze(NOON, NOON + HOUR, "db1", "db2")])
    assert windows.holds({"db2"}, NOON)
    assert windows.holds({"web1", "db1"}, NOON)
    assert not windows.holds({"web1"}, NOON)


def test_each_freeze_is_told_once_however_many_of_its_names_are_meant() -> None:
    windows = Windows([freeze(NOON, NOON + HOUR, "db1", "db2"), freeze(NOON, NOON + DAY)])
    ends = [held.until for held in windows.holds({"db1", "db2"}, NOON) if held.until is not None]
    assert sorted(ends) == [NOON + HOUR, NOON + DAY]


def test_a_long_freeze_holds_behind_many_short_ones_that_began_after_it() -> None:
    short = [freeze(NOON + MINUTE * number, NOON + MINUTE * (number + 1)) for number in range(60)]
    held = Windows([freeze(NOON - DAY, NOON + DAY), *short]).holds((), NOON + HOUR * 2)
    assert [each.until for each in held] == [NOON + DAY]


def test_what_has_a_maintenance_window_is_held_until_the_next_one() -> None:
    windows = Windows(
        [maintenance(NOON - DAY, NOON - DAY + HOUR, "db1"), maintenance(NOON + DAY, NOON + DAY * 2, "db1")]
    )
    [held] = windows.holds({"db1"}, NOON)
    assert (held.guard, held.until) == ("maintenance", NOON + DAY)
    assert not windows.holds({"db1"}, NOON + DAY)
    assert not windows.holds({"web1"}, NOON)


def test_when_its_last_maintenance_window_is_over_it_stays_held_and_it_is_said_what_is_missing() -> None:
    [held] = Windows([maintenance(NOON - DAY, NOON - HOUR, "db1")]).holds({"db1"}, NOON)
    assert held.until is None
    assert "no further one is known" in held.why
    [bound] = Windows(bound={"db1"}).holds({"db1"}, NOON)
    assert bound.why == held.why


def test_a_maintenance_window_that_names_nothing_binds_everything() -> None:
    windows = Windows([maintenance(NOON + HOUR, NOON + HOUR * 2)])
    assert [held.until for held in windows.holds({"web1"}, NOON)] == [NOON + HOUR]
    assert not windows.holds({"web1"}, NOON + HOUR)


def test_each_name_must_be_in_a_window_of_its_own() -> None:
    windows = Windows([maintenance(NOON, NOON + HOUR, "db1"), maintenance(NOON + DAY, NOON + DAY * 2, "db2")])
    assert [held.until for held in windows.holds({"db1", "db2"}, NOON)] == [NOON + DAY]


def test_a_freeze_within_a_maintenance_window_holds() -> None:
    windows = Windows([maintenance(NOON, NOON + DAY, "db1"), freeze(NOON, NOON + HOUR, "db1")])
    assert [held.guard for held in windows.holds({"db1"}, NOON)] == ["freeze"]


def test_what_could_not_be_read_holds_everything_and_names_the_place() -> None:
    [held] = Windows(faults=["calendars/x.ics:7: no time zone is called 'Nowhere'"]).holds({"web1"}, NOON)
    assert (held.guard, held.until) == ("freeze", None)
    assert "calendars/x.ics:7" in held.why


def test_windows_that_nobody_has_read_for_too_long_hold_everything() -> None:
    windows = Windows(known_until=NOON)
    assert not windows.holds({"web1"}, NOON - MINUTE)
    assert windows.holds({"web1"}, NOON)


times = st.integers(min_value=0, max_value=40)
drawn = st.builds(
    lambda kind, start, length, items: Window(
        kind, "drawn", NOON + MINUTE * start, NOON + MINUTE * (start + length), frozenset(items)
    ),
    st.sampled_from(["freeze", "maintenance"]),
    times,
    st.integers(min_value=1, max_value=20),
    st.sets(st.sampled_from(["a", "b", "c"]), max_size=2),
)


@given(st.lists(drawn, max_size=8), st.sets(st.sampled_from(["a", "b", "c"]), max_size=3), times)
def test_the_index_says_what_a_look_at_each_window_says(windows: list[Window], names: set[str], at: int) -> None:
    now = NOON + MINUTE * at
    current = [each for each in windows if each.start <= now < each.end]
    frozen = {each for each in current if each.kind == "freeze" and (not each.items or each.items & names)}
    rules = [each for each in windows if each.kind == "maintenance"]
    open_ = [each for each in current if each.kind == "maintenance"]
    outside = {
        name
        for name in (*names, "")
        if any(_means(each, name) for each in rules) and not any(_means(each, name) for each in open_)
    }
    held = Windows(windows).holds(names, now)
    assert sum(each.guard == "freeze" for each in held) == len(frozen)
    assert sum(each.guard == "maintenance" for each in held) == len(outside)


def _means(window: Window, name: str) -> bool:
    return name in window.items if name else not window.items
