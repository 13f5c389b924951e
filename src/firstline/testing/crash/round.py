"""One kill, and what became of the run."""

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

import anyio

from firstline.errors import Unknown
from firstline.executor import Executor, Handle, Progress, State, Step
from firstline.testing.crash.hub import Hub, end_of, load, patient
from firstline.testing.executor import PATIENCE, until

Kill = Callable[[Path, Handle | None], Awaitable[None]]


class Moment(StrEnum):
    """When the kill falls."""

    BEFORE = "before"  # nobody has asked for a start
    STARTING = "starting"
    RUNNING = "running"
    FINISHED = "finished"  # and nobody has looked


class Outcome(NamedTuple):
    """What became of a run. `left` and `detail` are as the last who looked found them."""

    state: State
    detail: str
    begun: int
    ended: int
    left: list[Any]

    def faults(self, may_end: frozenset[State]) -> list[str]:
        """What must not be, in words."""
        found = {
            f"it began {self.begun} times": self.begun > 1,
            f"it ended {self.ended} times": self.ended > 1,
            f"it may not end {self.state}: {self.detail}": self.state not in may_end,
            "it has succeeded, and did not run to its end": self.state is State.SUCCEEDED and self.ended != 1,
            "it is unknown, and nothing is said of why": self.state is State.UNKNOWN and not self.detail,
            f"these are left of it: {self.left}": bool(self.left),
        }
        return [words for words, wrong in found.items() if wrong]


class Subject(NamedTuple):
    """What a round is about: the run, and how to see what it did."""

    step: Step
    begun: Callable[[], int]
    ended: Callable[[], int]
    left: Callable[[], list[Any]]


class Hubs:
    """Begins hubs in small that use one kind of executor."""

    def __init__(self, factory: str, requests: Any) -> None:
        self.make = load(factory)
        self._requests = requests

    def begin(self, place: Path, step: Step) -> None:
        told = {**step.model_dump(mode="json"), "secrets": {k: v.get_secret_value() for k, v in step.secrets.items()}}
        self._requests.write(json.dumps({"place": str(place), "step": told}) + "\n")
        self._requests.flush()


@contextmanager
def hubs(factory: str) -> Iterator[Hubs]:
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "firstline.testing.crash.hub", factory],
        stdin=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        text=True,
    )
    with process:
        yield Hubs(factory, process.stdin)
    if process.returncode:
        raise RuntimeError(f"hubs with {factory} can't be begun: exit status {process.returncode}")


def hub_of(place: Path) -> int:
    """The process of a round's hub."""
    return int(_words(place, "ready")[0])


async def kill_hub(place: Path, _: Handle | None) -> None:
    with suppress(ProcessLookupError):
        os.kill(hub_of(place), signal.SIGKILL)


class Round:
    def __init__(self, hubs: Hubs, place: Path, subject: Subject, seed: str) -> None:
        self._hubs = hubs
        self._place = place
        self._subject = subject
        self._random = random.Random(seed)  # noqa: S311 - the same moments again, no secret

    async def play(self, kill: Kill, moment: Moment, starting: float, lasting: float) -> Outcome:
        """`starting` and `lasting`: how many seconds a start and a run take, about."""
        self._place.mkdir(parents=True)
        self._hubs.begin(self._place, self._subject.step)
        await self._until_word("ready")
        try:
            with anyio.fail_after(PATIENCE):
                await self._come_to(moment, starting, lasting)
                await kill(self._place, self._handle())
                for gate in ("go", "look"):
                    (self._place / gate).touch()
                return await self._verdict()
        finally:
            await kill_hub(self._place, None)

    async def undisturbed(self) -> float:
        """How many seconds a start takes, of a run that nothing befalls. Raises AssertionError when it goes wrong."""
        self._place.mkdir(parents=True)
        executor = self._hubs.make(self._place)
        begun = anyio.current_time()
        handle = await executor.start(self._subject.step)
        took = anyio.current_time() - begun
        progress = await end_of(executor, handle)
        await executor.aclose()
        seen = (progress.state, self._subject.begun(), self._subject.ended(), self._subject.left())
        assert seen == (State.SUCCEEDED, 1, 1, []), (seen, progress)
        return took

    async def _come_to(self, moment: Moment, starting: float, lasting: float) -> None:
        if moment is Moment.BEFORE:
            return
        (self._place / "go").touch()
        if moment is Moment.STARTING:
            (self._place / "look").touch()
            await self._until_word("starting")
            await anyio.sleep(self._random.uniform(0, 1.2 * starting))
            return
        await self._until_word("started")
        if moment is Moment.FINISHED:
            await until(lambda: self._subject.ended() > 0)
            return
        (self._place / "look").touch()
        await until(lambda: self._subject.begun() > 0)
        await anyio.sleep(self._random.uniform(0, lasting))

    async def _verdict(self) -> Outcome:
        """The hub comes to its end, if it lives; then the one after it."""
        await until(lambda: bool(_words(self._place, "ended", "failed")) or not self._hub_lives())
        assert not _words(self._place, "failed"), _words(self._place, "failed")
        executor = self._hubs.make(self._place)
        try:
            progress = await self._seen_by(executor)
            if handle := self._handle():
                await patient(lambda: executor.cancel(handle))
        finally:
            await executor.aclose()
        seen = self._subject
        return Outcome(progress.state, progress.detail, seen.begun(), seen.ended(), seen.left())

    async def _seen_by(self, executor: Executor[Any]) -> Progress:
        try:
            handle = await patient(lambda: executor.start(self._subject.step))
        except Unknown as error:
            return Progress(state=State.UNKNOWN, detail=str(error))
        Hub(self._place).say("started", handle.model_dump_json())
        return await end_of(executor, handle)

    def _handle(self) -> Handle | None:
        words = _words(self._place, "started")
        return Handle.model_validate_json(words[-1]) if words else None

    def _hub_lives(self) -> bool:
        return Path(f"/proc/{hub_of(self._place)}").exists()

    async def _until_word(self, word: str) -> None:
        await until(lambda: bool(_words(self._place, word, "failed")))
        assert not _words(self._place, "failed"), _words(self._place, "failed")


def _words(place: Path, *first: str) -> list[str]:
    """The rest of each whole line that begins with one of the words."""
    file = place / "words"
    lines = file.read_text().split("\n")[:-1] if file.exists() else []
    return [line.partition(" ")[2] or line for line in lines if line.partition(" ")[0] in first]
