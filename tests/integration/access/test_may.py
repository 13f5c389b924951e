"""Whatever was done before, somebody may only what a live grant says, and all of it."""

from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from typing import Any, ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from tests.integration.access.conftest import BOSS, ask, empty

from firstline.access import Right, authenticate, delegated_to, delegation, find, grant, group, roll, token, who_may
from firstline.store import Database
from firstline.store.table import TOKEN, now

PEOPLE = ("ann", "bob", "cas")
GROUPS = ("sre", "net")
PLACES = ("*", "shop", "prod")  # packs and environments alike

person = st.sampled_from(PEOPLE)
right = st.sampled_from([Right.SEE, Right.APPROVE, Right.GOVERN])
holder = st.sampled_from([*(f"person:{name}" for name in PEOPLE), *(f"group:{name}" for name in GROUPS)])
place = st.sampled_from(PLACES)
days = st.integers(1, 9)


@dataclass(frozen=True)
class Given:
    opens: str
    person: str
    limits: frozenset[Right] | None
    expires: int  # day


class Story(RuleBasedStateMachine):
    """What was given stands here as plain sets, beside what the database says."""

    database: ClassVar[Database]

    def __init__(self) -> None:
        super().__init__()
        empty(self.database)
        self.day = 0
        self.off: set[str] = set()
        self.members: set[tuple[str, str]] = set()
        self.grants: set[tuple[str, Right, str, str]] = set()
        self.tokens: list[Given] = []
        self.delegations: list[tuple[str, str, int]] = []
        for name in PEOPLE:
            self.do(roll.add, name)

    def do(self, act: Any, *arguments: Any, **named: Any) -> Any:
        return self.database.write_now(lambda c: act(c, *arguments, by=BOSS, **named))

    @rule(holder=holder, right=right, pack=place, environment=place)
    def grant_or_revoke(self, holder: str, right: Right, pack: str, environment: str) -> None:
        one = (holder, right, pack, environment)
        act = grant.revoke if one in self.grants else grant.grant
        self.do(act, holder, [right], pack=pack, environment=environment)
        self.grants ^= {one}

    @rule(group_name=st.sampled_from(GROUPS), name=person)
    def join_or_leave(self, group_name: str, name: str) -> None:
        one = (group_name, name)
        self.do(group.leave if one in self.members else group.join, *one)
        self.members ^= {one}

    @rule(name=person)
    def turn(self, name: str) -> None:
        self.do(roll.turn_on if name in self.off else roll.turn_off, name)
        self.off ^= {name}

    @rule(name=person, limits=st.none() | st.frozensets(right), days=days)
    def give_token(self, name: str, limits: frozenset[Right] | None, days: int) -> None:
        if name not in self.off:
            opens = self.do(token.give_token, name, rights=limits, days=self.day + days)
            self.tokens.append(Given(opens, name, limits, self.day + days))

    @precondition(lambda self: self.tokens)
    @rule(which=st.integers(0))
    def revoke_token(self, which: int) -> None:
        gone = self.tokens.pop(which % len(self.tokens))
        rows = self.database.read_now(lambda c: c.execute(TOKEN.select()).mappings().all())
        (found,) = (row["id"] for row in rows if row["hash"] == token.hashed(gone.opens))
        self.do(token.revoke_token, found)
        assert ask(self.database, authenticate, gone.opens) is None

    @rule(giver=person, taker=person, days=days)
    def delegate(self, giver: str, taker: str, days: int) -> None:
        if giver != taker and not {giver, taker} & self.off:
            self.do(delegation.delegate, giver, taker, until=self.at(self.day + days), reason="away")
            self.delegations.append((giver, taker, self.day + days))

    @rule(days=days)
    def days_go_by(self, days: int) -> None:
        self.day += days

    def at(self, day: int) -> Any:
        return now() + timedelta(days=day)

    def should(self, name: str, right: Right, pack: str, environment: str) -> bool:
        holders = {f"person:{name}"} | {f"group:{g}" for g, member in self.members if member == name}
        return name not in self.off and any(
            (h, right, p, e) in self.grants for h in holders for p in {"*", pack} for e in {"*", environment}
        )

    @invariant()
    def each_token_opens_what_is_granted(self) -> None:
        noon = self.at(self.day) + timedelta(hours=12)
        for each in self.tokens:
            found = ask(self.database, authenticate, each.opens, noon)
            assert (found is None) == (each.person in self.off or each.expires <= self.day)
            for right, pack, environment in product(Right, PLACES, PLACES):
                limited = each.limits is not None and right not in each.limits
                should = found is not None and not limited and self.should(each.person, right, pack, environment)
                assert bool(found and found.may(right, pack=pack, environment=environment)) == should

    @invariant()
    def everybody_is_known_by_what_they_may(self) -> None:
        found = {name: ask(self.database, find, name) for name in PEOPLE}
        assert {name for name, one in found.items() if one is None} == self.off
        may = ask(self.database, who_may, Right.APPROVE, "shop", "prod")
        assert may == [name for name in PEOPLE if self.should(name, Right.APPROVE, "shop", "prod")]

    @invariant()
    def approvals_are_given_for_others_only_while_it_is_delegated(self) -> None:
        noon = self.at(self.day) + timedelta(hours=12)
        for taker in PEOPLE:
            live = {g for g, t, until in self.delegations if t == taker and until > self.day}
            found = ask(self.database, delegated_to, taker, noon)
            assert found == (set() if taker in self.off else live - self.off)


def test_nobody_may_what_no_live_grant_says(one_database: Database) -> None:
    story: type[Story] = type("Told", (Story,), {"database": one_database})
    run_state_machine_as_test(
        story,
        settings=settings(
            max_examples=10, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
