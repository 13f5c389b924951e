"""A runbook that fails in a row rests, and then one remediation tries whether it works again."""

from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.guard.case import HOUR, MINUTE, NOON

from firstline.guard.breaker import State, after, holds, probing, stage, tripped
from firstline.guard.settings import Breaker

LIMIT = Breaker.model_validate({"failures": 3, "within": "1h", "rest": "30m"})
REST = MINUTE * 30


def failed(state: State, now: datetime, remediation: str = "one") -> State:
    return after(state, remediation, "failed", LIMIT, now)


def opened() -> State:
    state = State()
    for minute in range(3):
        state = failed(state, NOON + MINUTE * minute)
    return state


def test_it_opens_at_the_last_of_its_failures_and_says_until_when() -> None:
    twice = failed(failed(State(), NOON), NOON + MINUTE)
    assert stage(twice, NOON + MINUTE) == "closed"
    thrice = failed(twice, NOON + MINUTE * 2)
    assert tripped(twice, thrice)
    [held] = holds(thrice, "next", "shop/restart", NOON + MINUTE * 2)
    assert (held.guard, held.until, held.ends) == ("breaker", NOON + MINUTE * 2 + REST, False)
    assert "failed 3 times in a row" in held.why


def test_an_outcome_that_nobody_knows_is_a_failure() -> None:
    state = State()
    for _ in range(3):
        state = after(state, "one", "unknown", LIMIT, NOON)
    assert stage(state, NOON) == "open"


def test_a_success_between_them_begins_the_count_anew() -> None:
    twice = failed(failed(State(), NOON), NOON)
    assert after(twice, "one", "proved", LIMIT, NOON) == State()


def test_failures_that_lie_far_apart_are_not_in_a_row() -> None:
    state = State()
    for hour in range(5):
        state = failed(state, NOON + HOUR * 2 * hour)
    assert stage(state, NOON + HOUR * 8) == "closed"


def test_what_says_nothing_of_the_runbook_changes_nothing() -> None:
    twice = failed(failed(State(), NOON), NOON)
    for outcome in ("not_needed", "stopped", "refused", "expired"):
        assert after(twice, "one", outcome, LIMIT, NOON) == twice


def test_after_the_rest_one_is_let_through_and_the_others_wait_for_it() -> None:
    rested = NOON + HOUR
    assert not holds(opened(), "first", "shop/restart", rested)
    trying = probing(opened(), "first", rested)
    assert not holds(trying, "first", "shop/restart", rested)
    [held] = holds(trying, "second", "shop/restart", rested)
    assert "first" in held.why


def test_the_one_that_tries_closes_it_or_opens_it_for_another_rest() -> None:
    rested = NOON + HOUR
    trying = probing(opened(), "first", rested)
    assert after(trying, "first", "proved", LIMIT, rested) == State()
    again = after(trying, "first", "failed", LIMIT, rested)
    assert tripped(trying, again)
    assert holds(again, "second", "shop/restart", rested)[0].until == rested + REST


def test_when_the_one_that_tries_finds_nothing_to_mend_the_next_may_try() -> None:
    rested = NOON + HOUR
    trying = probing(opened(), "first", rested)
    assert not holds(after(trying, "first", "not_needed", LIMIT, rested), "second", "shop/restart", rested)


def test_of_those_that_began_before_it_opened_the_end_neither_closes_it_nor_lets_it_rest_longer() -> None:
    state = opened()
    late = failed(state, NOON + MINUTE * 10, "late")
    assert (late.until, tripped(state, late)) == (state.until, False)
    assert stage(after(state, "late", "proved", LIMIT, NOON + MINUTE * 10), NOON + MINUTE * 10) == "open"
    trying = probing(state, "first", NOON + HOUR)
    assert after(trying, "late", "proved", LIMIT, NOON + HOUR) == trying
    assert not tripped(trying, failed(trying, NOON + HOUR, "late"))


def test_one_that_is_open_without_an_end_stays_open() -> None:
    assert stage(State(opened_at=NOON), NOON + HOUR * 1000) == "open"


outcomes = st.sampled_from(["proved", "failed", "unknown", "not_needed", "stopped"])


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 3), st.booleans(), outcomes), max_size=60))
def test_never_is_more_than_one_let_go_between_a_trip_and_a_proof(acts: list[tuple[int, int, bool, str]]) -> None:
    state, now, at_work = State(), NOON, set[str]()
    tries: set[str] = set()  # those that were let go since it opened
    for minutes, name, begins, outcome in acts:
        now += MINUTE * minutes
        remediation = str(name)
        if begins and remediation not in at_work and not holds(state, remediation, "shop/restart", now):
            at_work.add(remediation)
            state = probing(state, remediation, now)
            if stage(state, now) == "half-open":
                tries.add(remediation)
                assert len(tries & at_work) == 1
        elif not begins and remediation in at_work:
            at_work.discard(remediation)
            before, state = state, after(state, remediation, outcome, LIMIT, now)
            if tripped(before, state) or stage(state, now) == "closed":
                tries.clear()
            tries.discard(remediation)
