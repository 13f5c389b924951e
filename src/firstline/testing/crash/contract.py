"""What each executor is asked for, and the matrix: kind of kill by moment."""

import shlex
from abc import ABC
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from itertools import product
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import pytest

from firstline.executor import State, Step
from firstline.executors.process import tree
from firstline.testing.crash.round import Hubs, Kill, Moment, Outcome, Round, Subject, hubs, kill_hub

SUCCEEDED = frozenset({State.SUCCEEDED})


class Rounds:
    """All that a class needs for its rounds, while its stage stands."""

    def __init__(self, contract: "CrashContract", hubs: Hubs, place: Path) -> None:
        self._contract = contract
        self._hubs = hubs
        self._place = place
        self._starting = 0.0

    async def warm(self) -> None:
        """A round without a kill: it shows that all is there, and how long a start takes."""
        self._starting = await self._round("undisturbed").undisturbed()

    async def play(self, kind: str, moment: Moment, seed: str) -> Outcome:
        kill = self._contract.all_kills()[kind]
        return await self._round(seed).play(kill, moment, self._starting, self._contract.lasts)

    def _round(self, seed: str) -> Round:
        contract, identity = self._contract, uuid4().hex
        place = self._place / identity
        subject = Subject(
            contract.step(place, identity),
            lambda: contract.begun(place, identity),
            lambda: contract.ended(place, identity),
            lambda: contract.left(place),
        )
        return Round(self._hubs, place, subject, seed)


class CrashContract(ABC):
    """See the package's words on how to join."""

    pytestmark = pytest.mark.anyio

    factory: ClassVar[str]
    may_end: ClassVar[Mapping[str, frozenset[State]]] = {}  # by kind of kill
    moments: ClassVar[tuple[Moment, ...]] = tuple(Moment)
    rounds: ClassVar[int] = 1  # of each kind of kill at each moment, in `make test`
    lasts: ClassVar[float] = 0.1  # seconds that a run takes, about

    @contextmanager
    def stage(self, place: Path) -> Iterator[None]:  # noqa: ARG002
        """What the executor talks to, for all rounds."""
        yield

    def kills(self) -> dict[str, Kill]:
        """What is killed beside the hub."""
        return {}

    def step(self, place: Path, identity: str) -> Step:
        """What is run: it leaves a trace of its beginning, of its end, and of who works in it."""
        return Step(id=identity, run=("sh", "-c", program(place, identity, self.lasts)), timeout=60.0)

    def begun(self, place: Path, identity: str) -> int:
        """How many times it has begun."""
        return _lines(place / "begun").count(identity)

    def ended(self, place: Path, identity: str) -> int:
        """How many times it has come to its end by itself."""
        return _lines(place / "ended").count(identity)

    def left(self, place: Path) -> list[Any]:
        """What of it works still."""
        found = [tree.look(int(worker)) for worker in _lines(place / "workers")]
        return [process for process in found if process and process.state != "Z"]

    def all_kills(self) -> dict[str, Kill]:
        return {"hub": kill_hub, **self.kills()}

    def faults(self, kind: str, outcome: Outcome) -> list[str]:
        return outcome.faults(self.may_end.get(kind, SUCCEEDED))

    @asynccontextmanager
    async def ready(self, place: Path) -> AsyncIterator[Rounds]:
        """Set the stage, and see that it stands."""
        with self.stage(place), hubs(self.factory) as begun:
            rounds = Rounds(self, begun, place)
            await rounds.warm()
            yield rounds

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if {"kind", "moment"} <= set(metafunc.fixturenames):
            metafunc.parametrize(("kind", "moment"), list(product(self.all_kills(), self.moments)))

    @pytest.fixture(scope="class")
    async def crashes(self, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rounds]:
        async with self.ready(tmp_path_factory.mktemp("crashes")) as rounds:
            yield rounds

    async def test_a_run_begins_once_and_ends_truly_whatever_is_killed(
        self, crashes: Rounds, kind: str, moment: Moment
    ) -> None:
        for number in range(self.rounds):
            outcome = await crashes.play(kind, moment, f"{type(self).__name__} {kind} {moment} {number}")
            assert self.faults(kind, outcome) == [], outcome


def program(place: Path, identity: str, lasts: float) -> str:
    """For a POSIX shell that sees the round's folder: it works so many seconds, beside a descendant that has left its
    session and would work for ever."""
    note = f"echo $$ >> {place}/workers"
    return (
        f"{note}; echo {identity} >> {place}/begun; "
        f"setsid sh -c {shlex.quote(f'{note}; exec sleep 100000')} & "
        f"sleep {lasts}; kill $!; wait $!; echo {identity} >> {place}/ended"
    )


def _lines(file: Path) -> list[str]:
    return file.read_text().split() if file.exists() else []
