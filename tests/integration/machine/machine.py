"""The rules by which hypothesis plays with a world."""

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.integration.machine.desk import DESK
from tests.integration.machine.life import inline
from tests.integration.machine.pack import CHANGES, EDITIONS, HOSTS, PACK
from tests.integration.machine.world import PEOPLE, Clock, Rules, World, populated

from firstline.access import Right
from firstline.guard import Window
from firstline.incident import IncidentState
from firstline.settings import OWN_REGISTER
from firstline.store import Database, identifier
from firstline.store import clock as clocks
from firstline.store.table import APPROVAL

NAMES = tuple(PEOPLE)
SCOPES = ("all", "environment:prod", f"connection:{DESK}", "service:web1", f"runbook:{PACK}/mend-normal")
SECONDS = (1, 10, 60, 600, 3600, 3 * 3600, 25 * 3600)
POINTS = st.integers(1, 25)
MODE = st.sampled_from(("approve", "approve", "pair", "auto", "auto", "auto", "suggest", "observe"))
GUARDS: tuple[dict[str, Any], ...] = (
    {},
    {"cooldown": "5m", "breaker": {"failures": 1, "rest": "1h"}},
    {"flap": {"count": 2, "within": "1h"}, "rate": {"hub": {"count": 2, "per": "1h"}}},
    {"storm": {"count": 3, "within": "1m"}},
)


def emptied(folder: Path) -> Path:
    """A SQLite database with its tables and people, as it is when a machine begins."""
    path = folder / "firstline.db"
    populate(f"sqlite:///{path}")
    return path


def populate(url: str) -> None:
    """Give a database its tables and people."""
    made = Database(url)
    with patch.object(clocks, "time_ns", Clock().time_ns):
        made.create()
        populated(made)
    made.close()


@contextmanager
def steady(clock: Clock) -> Iterator[None]:
    """Time stands still but for this clock, and no thread is faster than another."""
    ids = patch.object(identifier, "_last", identifier._last)  # or those of the next test would lie in the future too
    with patch.object(clocks, "time_ns", clock.time_ns), ids, patch.object(asyncio, "to_thread", inline):
        yield


class Machine(RuleBasedStateMachine):
    """`shelf` and `empty` are set by who runs it; `database_url`: None, or what makes an empty database."""

    shelf: Any
    empty: Path
    database_url: Any = None

    def __init__(self) -> None:
        super().__init__()
        self._folder = self.empty.parent / "machine"
        self._folder.mkdir()
        self._clock = Clock()
        self._patches = ExitStack()
        self._patches.enter_context(steady(self._clock))
        self.world: World | None = None

    @property
    def w(self) -> World:
        assert self.world is not None
        return self.world

    @initialize(
        register=st.sampled_from((DESK, OWN_REGISTER)),
        require_pin=st.booleans(),
        no_record=st.sampled_from(("hold", "late")),
        emergency=st.sampled_from(("approval", "first")),
        autonomy=st.sampled_from(("declared", "earned")),
        guards=st.sampled_from(GUARDS),
    )
    def begin(self, guards: dict[str, Any], **rules: Any) -> None:
        self.world = World(Rules(guards=guards, **rules), self.shelf, self._folder, self._database(), self._clock)

    def _database(self) -> str:
        if self.database_url is not None:
            return str(self.database_url())
        shutil.copy(self.empty, self._folder / "firstline.db")
        return f"sqlite:///{self._folder}/firstline.db"

    # Faults and work.

    @rule(mode=MODE, change=st.sampled_from(tuple(CHANGES)), host=st.sampled_from(HOSTS))
    def incident(self, mode: str, change: str, host: str) -> None:
        self.w.incident(f"{mode}-{change}", host)
        self.w.serve("dispatch")

    @rule(seconds=st.sampled_from((0, 0, 5, 60)))
    def work(self, seconds: int) -> None:
        self.w.advance(timedelta(seconds=seconds))
        self.w.settle()

    @rule(by=st.sampled_from(("people", "vendor", "both")), calm=st.booleans())
    def let_go(self, by: str, *, calm: bool) -> None:
        """Those who may say yes to whatever waits, and it goes on."""
        if calm:
            self.calm()
        for _ in range(2):  # the hub's own question first, then that of the change
            for asked in self._questions() if by != "vendor" else ():
                self.w.answer(asked, "ann", "approved")
                self.w.answer(asked, "bob", "approved")
            for change in list(self.w.office.changes.values()) if by != "people" else ():
                self.w.office.decide(change, "approved", "d-ann")
            self.w.advance(timedelta(seconds=60))
            self.w.settle()

    @rule(points=POINTS)
    def claim(self, points: int) -> None:
        self.w.serve("claim")
        for going in self.w.goings:
            self.w.go(going, points)

    @precondition(lambda self: self.world and self.world.goings)
    @rule(data=st.data(), points=POINTS)
    def go(self, data: st.DataObject, points: int) -> None:
        self.w.go(self._pick(data, self.w.goings), points)

    @rule(name=st.sampled_from(("send", "expire", "tell", "review", "take over")))
    def serve(self, name: str) -> None:
        self.w.serve(name)

    @rule(seconds=st.sampled_from(SECONDS))
    def advance(self, seconds: int) -> None:
        self.w.advance(timedelta(seconds=seconds))

    # Death.

    @rule(stalls=st.booleans())
    def kill(self, *, stalls: bool) -> None:
        self.w.stall() if stalls else self.w.kill()

    @rule(name=st.sampled_from(("dispatch", "claim", "send", "expire", "take over")), points=st.integers(0, 8))
    def die_in(self, name: str, points: int) -> None:
        self.w.serve(name, points)

    # People.

    @precondition(lambda self: self.world and self._questions())
    @rule(data=st.data(), name=st.sampled_from(NAMES), verdict=st.sampled_from(("approved", "approved", "refused")))
    def answer(self, data: st.DataObject, name: str, verdict: str) -> None:
        self.w.answer(self._pick(data, self._questions()), name, verdict)

    @precondition(lambda self: self.world and self.world.open_remediations())
    @rule(data=st.data(), name=st.sampled_from(("gus", "gus", "sue", "ann")))
    def override(self, data: st.DataObject, name: str) -> None:
        self.w.override(self._pick(data, self.w.open_remediations())["id"], name)

    @rule(
        name=st.sampled_from(("ann", "bob")),
        how=st.sampled_from(("revoke", "off", "on", "delegate", "taken over")),
        other=st.sampled_from(NAMES),
    )
    def right(self, name: str, how: str, other: str) -> None:
        match how:
            case "revoke":
                self.w.revoke(name, Right.APPROVE)
            case "off":
                self.w.turn_off(name)
            case "on":
                self.w.turn_on(name)
                self.w.grant(name, Right.APPROVE)
            case "delegate":
                self.w.delegate(name, other)
            case _:
                self.w.delegate(other, name)

    @precondition(lambda self: self.world and self.world.incidents)
    @rule(
        data=st.data(), to=st.sampled_from(("suggest", "approve", "auto")), pinned=st.sampled_from((None, True, False))
    )
    def policy(self, data: st.DataObject, to: str, *, pinned: bool | None) -> None:
        if pinned is None:
            self.w.promote(self._pick(data, list(self.w.incidents.values())).title, to)
        elif pinned:
            self.w.pin("standard")
        else:
            self.w.unpin("standard")

    # What holds it.

    @rule(scope=st.sampled_from(SCOPES))
    def switch(self, scope: str) -> None:
        self.w.throw(scope)

    @rule(
        kind=st.sampled_from(("freeze", "maintenance")),
        host=st.sampled_from((*HOSTS, "")),
        hours=st.sampled_from((0, 1, 30)),
    )
    def window(self, kind: Any, host: str, hours: int) -> None:
        start = self._clock.now + timedelta(hours=hours)
        items = frozenset({host} - {""})
        self.w.windows.append(Window(kind, f"{kind} {host}", start, start + timedelta(hours=2), items))
        if kind == "maintenance":
            self.w.bound.add(host)

    @rule(how=st.sampled_from(("down", "loses", "silent", "strict", "conflicts")))
    def vendor(self, how: str) -> None:
        office = self.w.office
        match how:
            case "loses":
                office.loses = 1
            case "strict":
                office.lenient = False
            case _:
                setattr(office, how, True)

    def calm(self) -> None:
        """What holds it is over."""
        for scope in sorted(self.w.oracle.switches):
            self.w.lift(scope)
        self.w.windows.clear()
        self.w.bound.clear()
        office, runs = self.w.office, self.w.runs
        office.down = office.silent = office.conflicts = False
        office.lenient, office.loses = True, 0
        runs.stubborn.clear()
        runs.refusing.clear()
        runs.lossy = runs.slow = False

    # What others do to the change, and what makes the plan another.

    @precondition(lambda self: self.world and self.world.office.changes)
    @rule(
        data=st.data(),
        state=st.sampled_from(("approved", "approved", "refused")),
        name=st.sampled_from(("ann", "olga", "rex", "stranger")),
        told=st.booleans(),
    )
    def decide(self, data: st.DataObject, state: str, name: str, *, told: bool) -> None:
        change = self._pick(data, list(self.w.office.changes.values()))
        self.w.office.decide(change, state, f"d-{name}")
        if told:
            self.w.change_told(change.id)
            self.w.serve("dispatch")

    @precondition(lambda self: self.world and self.world.office.changes)
    @rule(data=st.data(), hours=st.sampled_from((None, -5, 0, 2, 30)))
    def manage(self, data: st.DataObject, hours: int | None) -> None:
        """A change manager plans a change for another time, or cancels it."""
        change = self._pick(data, list(self.w.office.changes.values()))
        if hours is not None:
            change.start = self._clock.now + timedelta(hours=hours)
            change.end = change.start + timedelta(hours=4)
        elif change.state not in ("closed", "canceled"):
            change.state = "canceled"

    @rule(edition=st.sampled_from(("first", "first", *EDITIONS)))
    def edit(self, edition: str) -> None:
        self.w.edit(edition)

    @precondition(lambda self: self.world and self.world.incidents)
    @rule(data=st.data(), back=st.booleans())
    def turn(self, data: st.DataObject, *, back: bool) -> None:
        number = self._pick(data, sorted(self.w.incidents))
        kind, state = (
            ("incident.reopened", IncidentState.OPEN) if back else ("incident.resolved", IncidentState.RESOLVED)
        )
        self.w.turn(number, kind, state)
        self.w.serve("dispatch")

    @rule(host=st.sampled_from(HOSTS), how=st.sampled_from(("stubborn", "refusing", "mended", "lossy", "slow")))
    def trouble(self, host: str, how: str) -> None:
        runs = self.w.runs
        match how:
            case "stubborn":
                runs.stubborn.add(host)
            case "refusing":
                runs.refusing.add(host)
            case "mended":
                runs.broken.discard(host)
            case _:
                setattr(runs, how, True)

    # What must be so.

    @invariant()
    def nothing_runs_that_was_not_allowed_and_nothing_is_lost(self) -> None:
        if self.world is not None:
            wrong = self.world.oracle.standing()
            wrong += [f"a turn broke: {error!r}" for life in self.world.lives for error in life.errors]
            assert wrong == []

    def teardown(self) -> None:
        try:
            if self.world is not None:
                self._end(self.world)
        finally:
            if self.world is not None:
                self.world.close()
            self._patches.close()
            shutil.rmtree(self._folder, ignore_errors=True)

    def _end(self, world: World) -> None:
        self.nothing_runs_that_was_not_allowed_and_nothing_is_lost()
        found = world.verdict().findings
        assert [str(one) for one in found.told] == []

    def _questions(self) -> list[str]:
        return [row["id"] for row in self.w.rows(APPROVAL) if row["state"] == "waiting"]

    @staticmethod
    def _pick(data: st.DataObject, among: Any) -> Any:
        return among[data.draw(st.integers(0, len(among) - 1))]
