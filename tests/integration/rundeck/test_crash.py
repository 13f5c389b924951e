"""What holds when the hub, the wire or Rundeck itself goes down, at any moment."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from tests.integration.rundeck.case import executor

from firstline.executor import Executor, Handle, State, Step
from firstline.testing.crash import CrashContract, Kill
from firstline.testing.fault import Fault, Kind
from firstline.testing.loopback import serve
from firstline.testing.rundeck import Job, Rundeck, Work

UNSURE = frozenset({State.SUCCEEDED, State.UNKNOWN})


def make(place: Path) -> Executor[Any]:
    return executor((place.parent / "url").read_text(), place)


class TestRundeckCrash(CrashContract):
    factory: ClassVar[str] = f"{__name__}:make"
    may_end: ClassVar[Mapping[str, frozenset[State]]] = {
        "lost answer": UNSURE,
        "bad gateway": UNSURE,
        "restart": UNSURE,
    }

    @contextmanager
    def stage(self, place: Path) -> Iterator[None]:
        self.begun_by: list[str] = []
        self.ended_by: list[str] = []
        self.server = Rundeck([Job("work", "work", self._work)])
        with serve(self.server.app) as url:
            (place / "url").write_text(url)
            yield

    async def _work(self, work: Work) -> None:
        key = work.options["firstline_run"]
        self.begun_by.append(key)
        async with work.worker():
            work.say("at work\n")
            await asyncio.sleep(self.lasts)
        self.ended_by.append(key)

    def kills(self) -> dict[str, Kill]:
        async def lose(*_: object) -> None:
            self._trouble(Kind.LOST)

        async def restart(_: Path, __: Handle | None) -> None:
            self._trouble(Kind.BROKEN)
            await asyncio.to_thread(self.server.stage.restart)

        return {"lost answer": lose, "restart": restart}

    def _trouble(self, kind: Kind) -> None:
        """The next of each kind of request meets it."""
        self.server.faults[:] = [Fault(kind, method=method) for method in ("GET", "POST")]

    def step(self, place: Path, identity: str) -> Step:
        self.server.faults.clear()  # the wire is well again when a round begins
        return Step(id=identity, parameters={"job": "work"}, timeout=60.0)

    def begun(self, place: Path, identity: str) -> int:
        return self.begun_by.count(identity)

    def ended(self, place: Path, identity: str) -> int:
        return self.ended_by.count(identity)

    def left(self, place: Path) -> list[Any]:
        return [worker for work in self.server.stage.works.values() for worker in work.workers]
