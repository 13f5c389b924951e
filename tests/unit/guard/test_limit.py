"""What counts: locks, cool-downs, flapping, rates and the blast radius."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.guard.case import DAY, HOUR, MINUTE, NOON, each, often, subject

from firstline.guard import blast, cooldown, flap, lock, rate
from firstline.guard.lock import Lock
from firstline.guard.rate import Counted
from firstline.guard.settings import Blast, Rate

FIVE_MINUTES = 300.0


def counted(rate: Rate, begun: list[datetime]) -> Counted:
    """As the database counts them."""
    newest = sorted(begun, reverse=True)
    return Counted("the whole hub", rate, newest[rate.count - 1] if len(newest) >= rate.count else None)


def test_a_target_in_other_hands_is_held_until_its_lock_expires() -> None:
    [held] = lock.holds([Lock("web2", "other", NOON + HOUR)], subject(), NOON)
    assert (held.guard, held.until) == ("lock", NOON + HOUR)
    assert "web2" in held.why
    assert "other" in held.why


@pytest.mark.parametrize(
    "free",
    [
        Lock("web1", "mine", NOON + HOUR),
        Lock("web1", "other", NOON),
        Lock("web1", "other", NOON - MINUTE),
        Lock("web9", "other", NOON + HOUR),
    ],
    ids=["its own", "just expired", "expired", "of a target it does not touch"],
)
def test_a_lock_that_does_not_count_holds_nothing(free: Lock) -> None:
    assert not lock.holds([free], subject(), NOON)


def test_a_target_rests_after_it_was_touched() -> None:
    touched = {"web1": NOON - MINUTE, "web9": NOON}
    [held] = cooldown.holds(touched, subject(), FIVE_MINUTES, NOON)
    assert (held.guard, held.until) == ("cooldown", NOON + MINUTE * 4)
    assert not cooldown.holds(touched, subject(), FIVE_MINUTES, NOON + MINUTE * 4)


def test_without_a_cool_down_a_target_does_not_rest() -> None:
    assert not cooldown.holds({"web1": NOON}, subject(), 0, NOON)


def test_a_fault_that_came_back_too_often_is_for_a_person() -> None:
    limit = often(3, "24h")
    thrice = [NOON - HOUR, NOON - HOUR * 5, NOON - HOUR * 23]
    [held] = flap.holds(thrice, limit, NOON)
    assert (held.guard, held.ends, held.until) == ("flap", True, None)
    assert "problem record" in held.mend
    assert not flap.holds(thrice, limit, NOON + HOUR)
    assert not flap.holds(thrice, None, NOON)


def test_a_rate_holds_until_one_more_fits() -> None:
    two = counted(each(2, "1h"), [NOON - MINUTE * 10, NOON - MINUTE * 50])
    [held] = rate.holds([two], NOON)
    assert (held.guard, held.until) == ("rate", NOON + MINUTE * 10)
    assert held.why == "the whole hub: no more than 2 in 1 h"
    assert not rate.holds([two], NOON + MINUTE * 10)


def test_a_rate_that_was_passed_over_waits_for_all_that_are_too_many() -> None:
    begun = [NOON - MINUTE * ago for ago in (10, 20, 30, 40)]
    [held] = rate.holds([counted(each(2, "1h"), begun)], NOON)
    assert held.until == NOON + MINUTE * 40


@given(
    st.lists(st.integers(min_value=0, max_value=500), max_size=60),
    st.integers(min_value=1, max_value=5),
    st.integers(min_value=1, max_value=100),
)
def test_however_they_come_no_stretch_of_time_has_more_than_its_rate(asked: list[int], count: int, per: int) -> None:
    limit = Rate.model_construct(count=count, per=per * 60.0)
    let_go: list[datetime] = []
    for minute in sorted(asked):
        at = NOON + MINUTE * minute
        if not rate.holds([counted(limit, let_go)], at):
            let_go.append(at)
    for end in let_go:
        assert sum(end - timedelta(minutes=per) < one <= end for one in let_go) <= count


@given(st.lists(st.integers(min_value=0, max_value=200), max_size=20), st.integers(min_value=1, max_value=4))
def test_when_a_rate_holds_it_lets_go_at_the_time_it_says_and_not_before(ago: list[int], count: int) -> None:
    limit = each(count, "1h")
    found = [counted(limit, [NOON - MINUTE * minutes for minutes in ago])]
    for held in rate.holds(found, NOON):
        assert held.until is not None
        assert not rate.holds(found, held.until)
        assert rate.holds(found, held.until - timedelta(microseconds=1))


def test_more_targets_than_may_be_touched_never_go() -> None:
    [held] = blast.holds(subject(), Blast(targets=1))
    assert (held.guard, held.ends) == ("blast", True)
    assert not blast.holds(subject(), Blast(targets=2))


def test_a_share_of_the_group_is_a_cap_of_its_own() -> None:
    assert not blast.holds(subject(), Blast(targets=5, share=0.2))
    [held] = blast.holds(subject(), Blast(targets=5, share=0.1))
    assert "2 of a group of 10; at most 10%" in held.why
    assert len(blast.holds(subject(), Blast(targets=1, share=0.1))) == 2


@pytest.mark.parametrize(("hub", "runbook", "held"), [(1, 5, True), (5, 1, True), (None, 1, True), (2, 2, False)])
def test_of_the_hub_s_and_the_runbook_s_cap_the_lower_counts(hub: int | None, runbook: int, held: bool) -> None:
    assert bool(blast.holds(subject(most_targets=runbook), Blast(targets=hub))) == held
    shares = Blast(share=hub / 10 if hub else None)
    assert bool(blast.holds(subject(most_share=runbook / 10), shares)) == held


def test_what_others_have_in_hand_of_the_group_counts_and_is_waited_for() -> None:
    [held] = blast.holds(subject(), Blast(share=0.3), busy=["web5", "web6"])
    assert not held.ends
    assert "2 in the hands of others" in held.why
    assert not blast.holds(subject(), Blast(share=0.3), busy=["web5", "db1", "web1"])


def test_a_runbook_without_a_group_has_no_share_to_take_of_it() -> None:
    assert not blast.holds(subject(group=()), Blast(share=0.01))


@given(st.integers(1, 20), st.integers(0, 20), st.floats(0.01, 1))
def test_never_is_more_of_a_group_in_hand_than_its_share(own: int, others: int, share: float) -> None:
    group = tuple(f"web{number}" for number in range(20))
    busy = group[own : own + others]
    passes = not blast.holds(subject(targets=group[:own], group=group), Blast(share=share), busy)
    assert passes == (own + len(busy) <= share * len(group))


def test_a_day_is_told_as_a_day() -> None:
    [held] = flap.holds([NOON] * 2, often(2, "48h"), NOON + DAY)
    assert "within 2 d" in held.why
