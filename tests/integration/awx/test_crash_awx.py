"""The crash matrix of AWX jobs: the hub, and what lies between it and AWX."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.integration.awx.case import world

from firstline.executor import Handle, Step
from firstline.testing.awx import application
from firstline.testing.crash import CrashContract, Kill
from firstline.testing.fault import Fault, Kind, Wire
from firstline.testing.loopback import serve

faults: list[Fault] = []  # that the next requests meet


class TestAwxCrashes(CrashContract):
    factory = "tests.integration.awx.crash_awx:make"
    rounds = 1
    lasts = 0.05

    @contextmanager
    def stage(self, place: Path) -> Iterator[None]:
        with serve(Wire(application(world(place / "awx")), faults)) as url:
            (place / "url").write_text(url)
            yield

    def kills(self) -> dict[str, Kill]:
        return {
            "answer": meet(Fault(Kind.LOST), Fault(Kind.BAD_GATEWAY_AFTER)),
            "line": meet(Fault(Kind.BROKEN), Fault(Kind.BAD_GATEWAY, "GET"), Fault(Kind.BROKEN, "GET", 2)),
        }

    def step(self, place: Path, identity: str) -> Step:
        step = super().step(place, identity)
        told = {"job_template": "program", "extra_vars": {"program": list(step.run)}}
        return step.model_copy(update={"parameters": told, "run": ()})


def meet(*kinds: Fault) -> Kill:
    async def kill(_: Path, __: Handle | None) -> None:
        faults[:] = [Fault(each.kind, each.method, each.times) for each in kinds]

    return kill
