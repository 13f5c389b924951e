"""One life of a hub process: the real hub's parts on one thread, taken forward point by point. A point stands before
each effect on the database, a vendor or an executor; there a turn can be left standing, gone on with, or killed."""

import asyncio
import itertools
from collections.abc import Callable, Coroutine, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import Any, TypeVar
from unittest.mock import patch

import sqlalchemy as sa
from tests.integration.machine.bench import Bench, Runs
from tests.integration.machine.desk import DESK, Desk, Office
from tests.integration.machine.pack import Shelf

from firstline.executor import Step
from firstline.hub import Hub
from firstline.masking import Masker
from firstline.remediation.course import Course
from firstline.settings import Settings
from firstline.store import Database

T = TypeVar("T")

FOR_EVER = 1_000_000  # points: to its end
IDLE = 20  # looks at a turn that does not move: it waits for another one


async def inline(act: Callable[..., T], *arguments: Any) -> T:
    """In the place of `asyncio.to_thread`: nothing here may depend on which thread is faster."""
    return act(*arguments)


class Dead(BaseException):
    """The process is killed: no code of it may do anything more."""


@dataclass
class Facts:
    """What was so when a turn began or was gone on with in this life."""

    edition: str
    resolved: frozenset[str]


@dataclass
class Going:
    """Work of a hub that is under way. `left`: the points it may still pass."""

    name: str
    facts: Facts
    left: int = 0
    passed: int = 0
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    task: "asyncio.Task[Any] | None" = None

    async def point(self) -> None:
        while self.left <= 0:
            self.wake.clear()
            await self.wake.wait()
        self.left -= 1
        self.passed += 1

    async def go(self, points: int) -> None:
        """Let it pass so many points, or to its end, or until it waits for another."""
        assert self.task is not None
        self.left = points
        self.wake.set()
        idle, seen = 0, self.passed
        while not self.task.done() and idle < IDLE:
            await asyncio.sleep(0)
            idle, seen = (idle + 1, seen) if seen == self.passed else (0, self.passed)


GOING: ContextVar[Going | None] = ContextVar("going", default=None)


@dataclass
class Books:
    """What the durable engine remembers: of each turn which boot has it, and whether it is over."""

    turns: dict[tuple[str, int], list[Any]] = field(default_factory=dict)
    boots: Iterator[int] = field(default_factory=itertools.count)


class Clockwork:
    """The durable engine's part: a turn is started once, remembered, and gone on with in another life."""

    def __init__(self, books: Books, life: "Life") -> None:
        self._books, self._life = books, life
        self._advance: Callable[[str, int], Coroutine[Any, Any, None]] | None = None

    def define(self, name: str, workflow: Callable[[str, int], Coroutine[Any, Any, None]]) -> None:
        self._advance = workflow

    async def start(self, name: str, subject: str, turn: int) -> None:
        if (subject, turn) not in self._books.turns:
            self._begin(subject, turn)

    async def is_over(self, name: str, subject: str, turn: int) -> bool:
        return self._books.turns.get((subject, turn), ["", True])[1] is True

    async def owners(self) -> set[str]:
        return {boot for boot, over in self._books.turns.values() if not over} - {self._life.boot}

    async def take_over(self, boot: str) -> None:
        for (subject, turn), (owner, over) in list(self._books.turns.items()):
            if owner == boot and not over:
                self._begin(subject, turn)

    async def close(self) -> None:
        return

    def _begin(self, subject: str, turn: int) -> None:
        known = self._books.turns[subject, turn] = [self._life.boot, False]
        self._life.spawn(f"{subject}.{turn}", self._turn(subject, turn, known))

    async def _turn(self, subject: str, turn: int, known: list[Any]) -> None:
        assert self._advance is not None
        try:
            await self._advance(subject, turn)
        except Exception as error:  # noqa: BLE001 - the engine remembers it as over; the world looks at it
            self._life.errors.append(error)
        known[1] = True


_ENGINES: dict[str, sa.Engine] = {}


def shared(database: Database) -> sa.Engine:
    """One engine for all lives on a database: each would compile every statement anew."""
    return _ENGINES.setdefault(database.url.render_as_string(hide_password=False), database.engine)


class Inline(Database):
    """On the loop's own thread, so that what happens first is the machine's choice."""

    def __init__(self, life: "Life", url: str, mask: Masker | None = None) -> None:
        super().__init__(url, mask)
        self.engine = shared(self)
        self._life = life

    async def write(self, act: Callable[[sa.Connection], T]) -> T:
        await self._life.point()
        done = self.write_now(act)
        self._life.written()
        return done

    async def read(self, act: Callable[[sa.Connection], T]) -> T:
        self._life.live()
        return self.read_now(act)

    def create(self) -> None:
        """The machine's database is a copy of one with its tables."""

    def close(self) -> None:
        """Others are on it."""


@dataclass
class Around:
    """What the life shares with others. `facts`: as they are now; `written` and `began` are told what it did."""

    shelf: Shelf
    office: Office
    runs: Runs
    books: Books
    edition: Callable[[], str]
    facts: Callable[[], Facts]
    written: Callable[[], None]
    began: Callable[[Step], None]


class Life:
    def __init__(self, settings: Settings, around: Around) -> None:
        self.goings: list[Going] = []
        self.errors: list[Exception] = []
        self.dead = self.stalled = False
        self._around = around
        parts: Any = {
            "Database": partial(Inline, self),
            "Declared": partial(_Files, around),
            "secrets": SimpleNamespace(token_hex=lambda _: f"boot{next(around.books.boots)}"),
        }
        made: Any = {
            "connections": lambda _: {DESK: Desk(around.office, self.point)},
            "executors": lambda _: {"command": Bench(around.runs, self.point, around.began)},
        }
        with patch.multiple("firstline.hub", **parts), patch.multiple("firstline.assembly", **made):
            self.hub = Hub(settings)
        self.boot = self.hub.boot
        self.context = self.hub.context
        self.context.engine = Clockwork(around.books, self)  # type: ignore[assignment] # the same methods
        self.context.shelf = around.shelf.folder
        self.hub._prepare()
        Course(self.context)

    def spawn(self, name: str, act: Coroutine[Any, Any, Any]) -> Going:
        """Begin something, which stands at its first point until it is told to go."""
        going = Going(name, self._around.facts())
        before = GOING.set(going)
        going.task = asyncio.ensure_future(act)
        GOING.reset(before)
        going.task.add_done_callback(lambda _: self.goings.remove(going))
        self.goings.append(going)
        return going

    async def serve(self, act: Coroutine[Any, Any, Any], points: int = FOR_EVER) -> bool:
        """Let a loop of the hub do one thing; False: it was killed in it, after so many points."""
        going = self.spawn("service", act)
        assert going.task is not None
        await going.go(points)
        while not going.task.done() and going.left > 0:  # it waits for what a turn has in hand
            others = [each for each in self.goings if each is not going]
            assert others, "nobody is there to wait for"
            for other in others:
                await other.go(3)
            await going.go(going.left)
        if not going.task.done():
            await self.kill()
            return False
        going.task.result()
        return True

    async def kill(self) -> None:
        """As by SIGKILL: what it had begun stays as it is."""
        self.dead = True
        tasks = {each.task for each in self.goings if each.task}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.hub._leases.close()

    def stall(self) -> None:
        """It is taken for dead, and goes on all the same."""
        self.stalled = True
        self.hub._leases.close()

    def live(self) -> None:
        if self.dead:
            raise Dead

    async def point(self) -> None:
        self.live()
        going = GOING.get()
        if going is not None:
            await going.point()
        self.live()

    def written(self) -> None:
        self._around.written()


class _Files:
    """The users' files as they are now."""

    def __init__(self, around: Around, *_: Any) -> None:
        self._around = around

    def start(self) -> Any:
        return self._around.shelf.editions[self._around.edition()]
