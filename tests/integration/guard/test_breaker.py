"""A runbook that fails in a row rests; then exactly one tries."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from tests.integration.guard.conftest import HOUR, MINUTE, Case, World

from firstline.store import Database
from firstline.store.table import BREAKER


def failed(world: World, times: int = 3) -> Case:
    """So many fail; gives the last one."""
    for _ in range(times):
        case = world.case("web1")
        assert world.holding(case) == []
        world.end(case, "failed")
        world.now += MINUTE
    return case


def test_it_opens_holds_the_others_and_calls_people_once(world: World) -> None:
    last = failed(world)
    [held] = world.admit(world.case("web2"))
    assert (held.guard, held.until) == ("breaker", world.now + MINUTE * 29)
    assert world.holding(world.case("web3", runbook="other")) == []
    [alarm] = world.alarms()
    assert alarm["summary"].startswith("Firstline: shop/restart failed 3 times in a row in prod")
    assert [one["act"] for one in world.told(last.id)] == ["breaker"]


def test_when_it_has_rested_exactly_one_of_many_is_let_through(
    world: World, open_database: Callable[[], Database]
) -> None:
    failed(world)
    world.now += HOUR
    cases = [world.case(f"web{number}") for number in range(8)]
    databases = [open_database() for _ in range(2)]
    barrier = Barrier(len(cases))

    def ask(number: int) -> bool:
        barrier.wait()
        return not world.admit(cases[number], databases[number % 2])

    with ThreadPoolExecutor(len(cases)) as pool:
        went = [case for case, gone in zip(cases, pool.map(ask, range(len(cases))), strict=True) if gone]
    assert len(went) == 1
    assert world.holding(went[0]) == []


def test_the_one_that_tries_closes_it_and_nobody_is_called_any_more(small: World) -> None:
    failed(small)
    small.now += HOUR
    first, second = small.case("web1"), small.case("web2")
    assert small.holding(first) == []
    assert small.holding(second) == ["breaker"]
    small.end(first, "proved")
    assert small.holding(second) == []
    assert [alarm["resolved"] for alarm in small.alarms()] == [False, True]


def test_the_one_that_tries_opens_it_again_when_it_fails(small: World) -> None:
    failed(small)
    small.now += HOUR
    first = small.case("web1")
    assert small.holding(first) == []
    assert small.end(first, "failed")
    assert small.holding(small.case("web2")) == ["breaker"]


def test_one_that_goes_to_wait_gives_its_try_to_another(small: World) -> None:
    failed(small)
    small.now += HOUR
    first, second = small.case("web1"), small.case("web2")
    assert small.holding(first) == []
    small.end(first, "refused", ran=False)
    assert small.holding(second) == []


def test_a_try_that_ended_without_a_word_keeps_nobody_out(small: World) -> None:
    failed(small)
    small.now += HOUR
    gone = small.case("web1")
    small.end(gone, "expired", ran=False)
    lost = BREAKER.update().values(probe=gone.id)
    small.do(lost)
    assert small.holding(small.case("web2")) == []


def test_what_only_reads_neither_opens_nor_closes_it(small: World) -> None:
    for _ in range(5):
        assert not small.end(small.case("web1", change=None), "failed")
    assert small.rows(BREAKER) == []
