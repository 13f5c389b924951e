"""One remediation, and one trouble at each point of its way: while the hub stands there, or after it was killed."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from tests.integration.machine.machine import steady
from tests.integration.machine.pack import AUTHOR, Shelf
from tests.integration.machine.world import REQUESTER, Clock, Rules, World

from firstline.guard import Window
from firstline.incident import IncidentState
from firstline.settings import OWN_REGISTER
from firstline.store.table import APPROVAL, REMEDIATION

HOST = "web1"
DAY = timedelta(days=2)
NEED_A_HUB = ("the incident is resolved", "another one comes")
Trouble = Callable[[World], None]


def freeze(world: World) -> None:
    now = world.clock.now
    world.windows.append(Window("freeze", "Christmas", now, now + timedelta(days=30)))


def maintenance(world: World) -> None:
    start = world.clock.now + timedelta(days=1)
    world.windows.append(Window("maintenance", "Sunday", start, start + timedelta(hours=2), frozenset({HOST})))
    world.bound.add(HOST)


def others(world: World) -> None:
    """Another remediation on the same target, of another mapping; it goes as far as it can while the first stands."""
    before = list(world.goings)
    world.incident("auto-emergency", HOST)
    world.serve("dispatch")
    world.serve("claim")
    for going in [each for each in world.goings if each not in before]:
        world.go(going)


def those_who_do_not_count(world: World) -> None:
    world.voters, world.decider = (AUTHOR, REQUESTER, "sue", "ann"), f"d-{AUTHOR}"


def forged(world: World) -> None:
    """Whoever can write to the database gives the row another command."""
    for row in world.rows(REMEDIATION):
        plan = row["plan"]
        for step in plan["runbook"]["steps"]:
            step["run"] = ["mend", HOST, "and more"]
        edited = sa.update(REMEDIATION).where(REMEDIATION.c.id == row["id"]).values(plan=plan)
        world.database.write_now(partial(_run, edited))


def _run(statement: sa.Update, connection: sa.Connection) -> None:
    connection.execute(statement)


def refused(world: World) -> None:
    for change in world.office.changes.values():
        world.office.decide(change, "refused", "d-ann")


def canceled(world: World) -> None:
    for change in world.office.changes.values():
        if change.state != "closed":
            change.state = "canceled"


def moved(world: World) -> None:
    for change in world.office.changes.values():
        change.start = world.clock.now + timedelta(days=3)
        change.end = change.start + timedelta(hours=4)


TROUBLES: dict[str, Trouble] = {
    "nothing": lambda _: None,
    "a day goes by": lambda world: world.advance(DAY),
    "a freeze begins": freeze,
    "only maintenance windows count": maintenance,
    "everything is stopped": lambda world: world.throw("all"),
    "the runbook is stopped": lambda world: world.throw("runbook:shop/mend-normal"),
    "the runbook is edited": lambda world: world.edit("runbook edited"),
    "the targets are edited": lambda world: world.edit("target added"),
    "its mapping only suggests": lambda world: world.edit("only suggests"),
    "the incident is resolved": lambda world: world.turn("I1", "incident.resolved", IncidentState.RESOLVED),
    "another one comes": others,
    "only those answer who do not count": those_who_do_not_count,
    "the change is refused": refused,
    "the change is canceled": canceled,
    "the change is moved": moved,
    "the vendor is away": lambda world: setattr(world.office, "down", True),
    "an answer is lost": lambda world: setattr(world.office, "loses", 1),
    "a run is lost": lambda world: setattr(world.runs, "lossy", True),
}


@dataclass(frozen=True)
class Case:
    """What is on its way, and what goes wrong."""

    mapping: str
    register: str
    trouble: str
    emergency: str = "approval"

    def __str__(self) -> str:
        return f"{self.mapping}, {self.register}, {self.trouble}"


CASES = tuple(
    Case(mapping, register, trouble, emergency)
    for mapping in ("auto-none", "auto-standard", "approve-standard", "approve-normal", "pair-normal", "auto-emergency")
    for register in ("desk", OWN_REGISTER)
    for emergency in ("first", "approval")
    for trouble in TROUBLES
)


def go_wrong(case: Case, shelf: Shelf, empty: Path, points: int, *, killed: bool, url: str = "") -> list[str]:
    """What is not as it must be, when this goes wrong after so many points."""
    with staged(shelf, empty, case.register, case.emergency, url) as world:
        along(world, case.mapping, points)
        if killed:
            world.run(world.life.kill())
            # What needs a hub happens once the next one is there.
            if case.trouble in NEED_A_HUB:
                world.start()
        TROUBLES[case.trouble](world)
        if world.life.dead:
            world.start()
        for going in list(world.goings):
            world.go(going)
        let_go(world)
        broken = [f"a turn broke: {error!r}" for life in world.lives for error in life.errors]
        return [*world.oracle.standing(), *broken, *map(str, world.verdict().findings.told)]


@contextmanager
def staged(shelf: Shelf, empty: Path, register: str, emergency: str, url: str = "", **more: Any) -> Iterator[World]:
    """A world of its own. `url`: of its database, with tables and people; empty: a copy of `empty`."""
    folder, clock = empty.parent / "machine", Clock()
    folder.mkdir()
    shutil.copy(empty, folder / "firstline.db")
    given = {"require_pin": False, "no_record": "hold", "autonomy": "declared", "guards": {}, **more}
    with steady(clock):
        world = World(
            Rules(register=register, emergency=emergency, **given),
            shelf,
            folder,
            url or f"sqlite:///{folder}/firstline.db",
            clock,
        )
        try:
            yield world
        finally:
            world.close()
            shutil.rmtree(folder)


def let_go(world: World) -> None:
    """Whoever may say yes says it, and all that can go on goes on."""
    for _ in range(4):
        _say_yes(world)
        world.advance(timedelta(seconds=61))
        world.settle()


def _say_yes(world: World) -> None:
    for row in world.rows(APPROVAL):
        for name in world.voters if row["state"] == "waiting" else ():
            world.answer(row["id"], name, "approved")
    for change in list(world.office.changes.values()):
        world.office.decide(change, "approved", world.decider)


def along(world: World, mapping: str, points: int) -> bool:
    """A remediation goes its way for so many points and stands there; False: it was at its end before."""
    world.incident(mapping, HOST)
    world.serve("dispatch")
    left = points
    for _ in range(8):
        world.serve("claim")
        for going in list(world.goings):
            before = going.passed
            world.go(going, left)
            left -= going.passed - before
            if left <= 0:
                return True
        _say_yes(world)
        world.advance(timedelta(seconds=61))
    return False
