"""Nothing goes that a guard holds, alone or with others; what goes has its targets, and is counted once."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from itertools import combinations
from typing import Any

import pytest
import sqlalchemy as sa
from tests.integration.guard.conftest import DAY, HOUR, MINUTE, NOON, Case, World

from firstline.guard import Window, Windows
from firstline.store.table import BREAKER, TOUCH, BreakerRow, TouchRow

SETTINGS: dict[str, Any] = {
    "cooldown": "5m",
    "flap": {"count": 2, "within": "24h"},
    "rate": {"service": {"count": 3, "per": "1h"}},
    "blast": {"targets": 2},
}


class Night:
    """A service with two servers and a fault of its own."""

    def __init__(self, world: World, number: int) -> None:
        self.world, self.name = world, f"n{number}"
        self.one, self.two = f"{self.name}-web1", f"{self.name}-web2"
        self.windows: list[Window] = []
        world.settings(**SETTINGS)
        world.windows, world.now = Windows(), NOON

    def case(self) -> Case:
        return self.world.case(
            self.one, self.two, ci=self.name, service=self.name, runbook=self.name, mapping=f"shop/{self.name}"
        )

    def touched(self, count: int, ago: timedelta, **told: str) -> AbstractContextManager[None]:
        """Other remediations were let go so long ago, and have ended since."""
        row = {"target": "x", "runbook": "x/y", "service": "", "fault": "x", "environment": "prod", **told}
        at = NOON - ago
        ids = [f"{self.name}-{number}-{'-'.join(told)}" for number in range(count)]
        rows = [TouchRow(remediation_id=each, at=at, left_at=at, **row) for each in ids]
        return self._kept(TOUCH.c.remediation_id.in_(ids), *rows)

    @contextmanager
    def window(self, window: Window) -> Iterator[None]:
        self.windows.append(window)
        self.world.windows = Windows(self.windows)
        yield
        self.windows.remove(window)
        self.world.windows = Windows(self.windows)

    @contextmanager
    def _kept(self, where: sa.ColumnElement[bool], *rows: Any) -> Iterator[None]:
        self.world.put(*rows)
        yield
        table = sa.inspect(type(rows[0])).local_table
        self.world.database.write_now(lambda connection: connection.execute(sa.delete(table).where(where)))

    @contextmanager
    def switch(self) -> Iterator[None]:
        self.world.throw(f"service:{self.name}")
        yield
        self.world.lift(f"service:{self.name}")

    def freeze(self) -> AbstractContextManager[None]:
        return self.window(Window("freeze", "Christmas", NOON, NOON + HOUR, frozenset({self.one})))

    def maintenance(self) -> AbstractContextManager[None]:
        return self.window(Window("maintenance", "Saturday", NOON + HOUR, NOON + DAY, frozenset({self.two})))

    @contextmanager
    def lock(self) -> Iterator[None]:
        other = self.world.case(self.one, service="other", runbook="other", mapping="shop/other")
        self.world.now = NOON - MINUTE * 6  # its cool-down is over by now
        assert self.world.holding(other) == []
        self.world.now = NOON
        yield
        self.world.end(other, ran=False)

    def cooldown(self) -> AbstractContextManager[None]:
        return self.touched(1, MINUTE, target=self.two)

    def flap(self) -> AbstractContextManager[None]:
        return self.touched(2, HOUR * 2, fault=f"shop/{self.name}|{self.name}")

    def rate(self) -> AbstractContextManager[None]:
        return self.touched(3, MINUTE * 30, service=self.name)

    @contextmanager
    def blast(self) -> Iterator[None]:
        self.world.settings(**{**SETTINGS, "blast": {"targets": 1}})
        yield
        self.world.settings(**SETTINGS)

    def breaker(self) -> AbstractContextManager[None]:
        runbook = f"shop/{self.name}"
        row = BreakerRow(runbook=runbook, environment="prod", failures=3, opened_at=NOON, until=NOON + HOUR)
        return self._kept(BREAKER.c.runbook == runbook, row)


Trouble = Callable[[Night], AbstractContextManager[None]]
TROUBLES: dict[str, Trouble] = {
    "switch": Night.switch,
    "freeze": Night.freeze,
    "maintenance": Night.maintenance,
    "lock": Night.lock,
    "cooldown": Night.cooldown,
    "flap": Night.flap,
    "rate": Night.rate,
    "blast": Night.blast,
    "breaker": Night.breaker,
}


def test_each_guard_alone_holds_and_lets_go_when_it_is_over(world: World) -> None:
    for number, (guard, trouble) in enumerate(TROUBLES.items()):
        night = Night(world, number)
        case = night.case()
        with trouble(night):
            assert world.holding(case) == [guard]
            assert (world.touched(case), case.id in world.locked().values()) == ([], False)
        assert world.holding(case) == [], guard
        assert world.touched(case) == [night.one, night.two]


def test_of_two_guards_both_are_told_and_the_other_still_holds_when_one_is_over(small: World) -> None:
    for number, (one, two) in enumerate(combinations(TROUBLES, 2)):
        night = Night(small, number)
        case = night.case()
        with TROUBLES[two](night):
            with TROUBLES[one](night):
                assert set(small.holding(case)) == {one, two}
            assert small.holding(case) == [two]
            assert small.touched(case) == []
        assert small.holding(case) == [], (one, two)


def test_of_what_only_reads_nothing_is_asked_but_the_kill_switch(small: World) -> None:
    night = Night(small, 1)
    reading = small.case(night.one, night.two, ci=night.name, service=night.name, runbook=night.name, change=None)
    with night.freeze(), night.lock(), night.cooldown(), night.breaker(), night.blast():
        assert small.holding(reading) == []
        assert small.touched(reading) == []
        with night.switch():
            assert small.holding(reading) == ["switch"]


def test_asked_again_after_a_crash_it_has_its_targets_still_and_is_counted_once(world: World) -> None:
    world.settings(**{**SETTINGS, "rate": {"hub": {"count": 1, "per": "1h"}}})
    case = world.case("web1", "web2")
    assert world.holding(case) == []
    before = world.rows(TOUCH)
    world.now += MINUTE
    assert world.holding(case) == []
    assert world.rows(TOUCH) == before
    assert world.locked() == {"web1": case.id, "web2": case.id}


def test_what_was_let_go_later_does_not_hold_it_when_it_is_asked_again(small: World) -> None:
    small.settings(rate={"hub": {"count": 2, "per": "1h"}})
    first, second = small.case("web1"), small.case("web2")
    assert small.holding(first) == small.holding(second) == []
    assert small.holding(first) == []
    assert small.holding(small.case("web3")) == ["rate"]


def test_what_never_began_a_step_counts_for_nothing(small: World) -> None:
    small.settings(**{**SETTINGS, "rate": {"hub": {"count": 1, "per": "1h"}}})
    idle, next_ = small.case("web1"), small.case("web1")
    assert small.holding(idle) == []
    assert set(small.holding(next_)) == {"lock", "cooldown", "rate"}
    small.end(idle, "not_needed", ran=False)
    assert small.holding(next_) == []


def test_a_target_rests_from_the_end_of_the_one_before(small: World) -> None:
    small.settings(cooldown="5m")
    first, second = small.case("web1"), small.case("web1")
    assert small.holding(first) == []
    small.now += MINUTE * 8
    small.end(first)
    small.now += MINUTE * 4
    [held] = small.admit(second)
    assert (held.guard, held.until) == ("cooldown", small.now + MINUTE)
    small.now += MINUTE
    assert small.holding(second) == []


def test_the_same_fault_on_the_same_item_stops_also_when_it_comes_by_other_records(small: World) -> None:
    small.settings(flap={"count": 2, "within": "24h"})
    for _ in range(2):
        case = small.case("web1", ci="web1")
        assert small.holding(case) == []
        small.end(case)
        small.now += HOUR
    [held] = small.admit(small.case("web1", ci="web1"))
    assert (held.guard, held.ends) == ("flap", True)
    assert small.holding(small.case("web1", ci="web2")) == []
    assert small.holding(small.case("web1", ci="web1", mapping="shop/other")) == ["lock"]


def test_a_host_is_the_same_however_it_is_written(small: World) -> None:
    assert small.holding(small.case("Web1")) == []
    assert small.holding(small.case("WEB1")) == ["lock"]


@pytest.mark.parametrize("of", ["runbook", "target", "service"])
def test_a_rate_counts_what_it_is_of(small: World, of: str) -> None:
    small.settings(rate={of: {"count": 1, "per": "1h"}})
    same: dict[str, Any] = {"runbook": "one", "service": "one"}
    other = {"runbook": "two", "service": "two"}
    first = small.case("web1", **same)
    assert small.holding(first) == []
    small.end(first)
    another = {**other, of: "one"} if of != "target" else other
    assert small.holding(small.case("web1" if of == "target" else "web2", **another)) == ["rate"]
    assert small.holding(small.case("web2", **{**same, of: "two"} if of != "target" else same)) == []


def test_a_share_counts_what_others_have_in_hand_and_the_runbook_may_be_stricter(small: World) -> None:
    group = tuple(f"web{number}" for number in range(10))
    small.settings(blast={"share": 0.5})
    assert small.holding(small.case("web0", "web1", group=group)) == []
    [waits] = small.admit(small.case("web2", group=group, limits={"share": 0.2}))
    assert (waits.guard, waits.ends) == ("blast", False)
    assert small.holding(small.case("web2", group=group, limits={"share": 0.9})) == []
    [never] = small.admit(small.case(*group[3:9], group=group, limits={"share": 0.9}))
    assert (never.guard, never.ends) == ("blast", True)


def test_a_window_may_name_a_target_an_item_a_service_or_the_environment(small: World) -> None:
    for name in ("web1", "db1", "shop", "prod"):
        small.windows = Windows([Window("freeze", "x", NOON, NOON + HOUR, frozenset({name}))])
        assert small.holding(small.case("web1", ci="DB1", service="Shop")) == ["freeze"], name
    small.windows = Windows([Window("freeze", "x", NOON, NOON + HOUR, frozenset({"test"}))])
    assert small.holding(small.case("web1", ci="DB1", service="Shop")) == []


def test_why_it_is_held_is_told_guard_by_guard_and_changes_nothing(small: World) -> None:
    night = Night(small, 1)
    case = night.case()
    with night.lock(), night.freeze():
        said = small.verdicts(case)
        assert [guard for guard, each in said.items() if each.holds] == ["freeze", "lock"]
    assert not small.rows(TOUCH)
    small.settings()
    assert {guard for guard, each in small.verdicts(case).items() if not each.is_set} == {"cooldown", "flap", "rate"}
