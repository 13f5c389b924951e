"""The crash matrix of AWX jobs: the hub, and what lies between it and AWX."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from tests.integration.awx.case import world

from firstline.executor import Step
from firstline.testing.awx import application
from firstline.testing.crash import CrashContract, Kill
from firstline.testing.fault import Fault, Wire, trouble
from firstline.testing.loopback import serve


class TestAwxCrashes(CrashContract):
    factory = "tests.integration.awx.crash_awx:make"
    rounds = 1
    lasts = 0.05
    on_the_wire: ClassVar[list[Fault]] = []  # that the next requests meet

    @contextmanager
    def stage(self, place: Path) -> Iterator[None]:
        with serve(Wire(application(world(place / "awx")), self.on_the_wire)) as url:
            (place / "url").write_text(url)
            yield

    def kills(self) -> dict[str, Kill]:
        return trouble(self.on_the_wire)

    def step(self, place: Path, identity: str) -> Step:
        step = super().step(place, identity)
        told = {"job_template": "program", "extra_vars": {"program": list(step.run)}}
        return step.model_copy(update={"parameters": told, "run": ()})
