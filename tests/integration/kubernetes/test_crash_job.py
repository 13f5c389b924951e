"""The crash matrix of Jobs: the hub, and what lies between it and the cluster."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from pydantic import SecretStr

from firstline.executor import Step
from firstline.testing.crash import CrashContract, Kill
from firstline.testing.fault import Fault, Wire, trouble
from firstline.testing.kubernetes import World, application
from firstline.testing.loopback import serve


class TestJobCrashes(CrashContract):
    factory = "tests.integration.kubernetes.crash_job:make"
    rounds = 1
    lasts = 0.05
    on_the_wire: ClassVar[list[Fault]] = []  # that the next requests meet

    @contextmanager
    def stage(self, place: Path) -> Iterator[None]:
        with serve(Wire(application(World(place / "cluster")), self.on_the_wire)) as url:
            (place / "url").write_text(url)
            yield

    def kills(self) -> dict[str, Kill]:
        return trouble(self.on_the_wire)

    def step(self, place: Path, identity: str) -> Step:
        """With a secret: more requests, between which things may happen."""
        told = {"job": {"image": "busybox:1.36"}}
        return (
            super()
            .step(place, identity)
            .model_copy(update={"parameters": told, "secrets": {"PASSWORD": SecretStr("of-no-use-to-anybody")}})
        )
