"""What holds when the hub or the wire goes down, at any moment."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from tests.integration.http_executor.case import FIND, executor, sequence
from tests.integration.http_executor.jobs import Jobs

from firstline.executor import Executor, State, Step
from firstline.testing.crash import CrashContract, Kill
from firstline.testing.fault import Fault, Kind
from firstline.testing.loopback import serve

UNSURE = frozenset({State.SUCCEEDED, State.UNKNOWN})


def make(place: Path) -> Executor[Any]:
    return executor((place.parent / "url").read_text(), place)


class TestHttpCrash(CrashContract):
    """A sequence whose run can be found by its key."""

    factory: ClassVar[str] = f"{__name__}:make"
    may_end: ClassVar[Mapping[str, frozenset[State]]] = {"hub": UNSURE, "bad gateway": UNSURE}
    more: ClassVar[dict[str, Any]] = FIND
    keeps_to_keys: ClassVar[bool] = False

    @contextmanager
    def stage(self, place: Path) -> Iterator[None]:
        self.jobs = Jobs(place / "other-system", keeps_to_keys=self.keeps_to_keys)
        with serve(self.jobs.app) as url:
            (place / "url").write_text(url)
            yield
            self.jobs.close()

    def kills(self) -> dict[str, Kill]:
        async def gateway(*_: object) -> None:
            self._trouble(Kind.BAD_GATEWAY)

        return {"bad gateway": gateway}

    def _trouble(self, kind: Kind) -> None:
        self.jobs.faults[:] = [Fault(kind, method=method) for method in ("GET", "POST", "DELETE")]

    def step(self, place: Path, identity: str) -> Step:
        self.jobs.faults.clear()  # the wire is well again when a round begins
        run = super().step(place, identity).run
        return Step(id=identity, parameters=json.loads(json.dumps(sequence(*run, **self.more))), timeout=60.0)


class TestIdempotentHttpCrash(TestHttpCrash):
    """The system keeps to the key: no crash leaves a run unknown."""

    may_end: ClassVar[Mapping[str, frozenset[State]]] = {}
    more: ClassVar[dict[str, Any]] = {"idempotent": True}
    keeps_to_keys: ClassVar[bool] = True

    def kills(self) -> dict[str, Kill]:
        async def lose(*_: object) -> None:
            self._trouble(Kind.LOST)

        return {"lost answer": lose}
