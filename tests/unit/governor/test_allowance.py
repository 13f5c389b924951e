from datetime import timedelta

import pytest

from firstline.governor import connection
from firstline.governor.allowance import Allowance, Priority
from firstline.meter import Quota, moment_of
from firstline.settings import Budget
from firstline.store.table import now

NOON = now()


def spent(used: int, limit: int | None = 100) -> Allowance:
    return Allowance(NOON, 3600.0, used, limit)


def let_in(allowance: Allowance, polls: int = 100) -> set[Priority]:
    return {priority for priority in Priority if not allowance.wait(priority, NOON, polls)}


@pytest.mark.parametrize(
    ("used", "left"),
    [
        (39, {Priority.INTERACTIVE, Priority.WRITE, Priority.POLL, Priority.BULK}),
        (40, {Priority.INTERACTIVE, Priority.WRITE, Priority.POLL}),
        (60, {Priority.INTERACTIVE, Priority.WRITE}),
        (90, {Priority.INTERACTIVE}),
        (100, set()),
    ],
)
def test_the_less_urgent_stop_earlier(used: int, left: set[Priority]) -> None:
    assert let_in(spent(used)) == left


def test_a_poll_finds_room_in_each_window_however_much_is_written() -> None:
    assert let_in(spent(98), polls=0) == {Priority.POLL}


def test_a_limit_of_one_lets_one_in() -> None:
    assert let_in(spent(0, 1)) == set(Priority)
    assert let_in(spent(1, 1)) == set()


def test_who_is_not_let_in_waits_for_the_next_window() -> None:
    allowance = spent(100)
    wait = allowance.wait(Priority.WRITE, NOON + timedelta(minutes=50))
    assert wait == 600
    assert not allowance.at(NOON + timedelta(hours=1)).wait(Priority.BULK, NOON + timedelta(hours=1))


def test_windows_that_passed_unseen_keep_their_borders() -> None:
    assert spent(7).at(NOON + timedelta(hours=2, minutes=5)).began_at == NOON + timedelta(hours=2)


def test_without_a_known_limit_all_are_let_in() -> None:
    assert let_in(spent(1_000_000, None)) == set(Priority)


def test_a_window_that_ends_in_years_is_not_believed() -> None:
    told = spent(0).told(Quota(limit=100, remaining=0, resets_at=NOON + timedelta(days=400)), NOON)
    assert told.wait(Priority.WRITE, NOON) == 3600


@pytest.mark.parametrize("odd", ["", "soon", "²", "99999999999999", "9" * 30])
def test_a_time_that_is_none_tells_nothing(odd: str) -> None:
    assert moment_of(odd) is None


def test_no_wait_is_longer_than_a_day_whatever_a_vendor_asks_for() -> None:
    assert connection.back_off(0, 1e12) == connection.LONGEST_ASKED


def test_what_the_vendor_tells_wins_over_our_count() -> None:
    told = Quota(limit=960, remaining=10, window=60.0, resets_at=NOON + timedelta(seconds=20))
    allowance = spent(3, 100).told(told, NOON)
    assert (allowance.limit, allowance.used) == (960, 950)
    assert allowance.wait(Priority.WRITE, NOON) == 20


def test_what_was_left_of_a_window_that_is_over_tells_nothing() -> None:
    told = Quota(limit=100, remaining=0, resets_at=NOON - timedelta(seconds=1))
    assert spent(3).told(told, NOON) == spent(3)


def test_what_is_left_of_an_unknown_limit_is_kept() -> None:
    allowance = spent(10, None).told(Quota(remaining=5), NOON)
    assert (allowance.limit, allowance.used) == (15, 10)


def test_a_limit_without_what_is_left_keeps_our_count() -> None:
    allowance = spent(10, None).told(Quota(limit=500), NOON)
    assert (allowance.limit, allowance.used) == (500, 10)


def test_the_operators_limit_caps_the_vendors_in_proportion() -> None:
    assert spent(0, 1000).under(Budget(requests=500)).limit == 500
    assert spent(0, 100).under(Budget(requests=500)).limit == 100
    assert spent(0, None).under(Budget.model_validate({"requests": 10, "per": "1m"})).limit == 600
    assert spent(0, 100).under(Budget()).limit == 100
