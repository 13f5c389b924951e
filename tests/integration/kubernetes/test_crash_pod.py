"""The crash matrix of commands in pods: a hub that dies under one leaves it unknown, for nobody can attach again."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from tests.integration.kubernetes.test_command_contract import begin_pod

from firstline.executor import State, Step
from firstline.testing.crash import CrashContract
from firstline.testing.kubernetes import World, application
from firstline.testing.loopback import serve


class TestPodCrashes(CrashContract):
    factory = "tests.integration.kubernetes.crash_pod:make"
    may_end: ClassVar = {"hub": frozenset({State.SUCCEEDED, State.UNKNOWN})}
    lasts = 0.1

    @contextmanager
    def stage(self, place: Path) -> Iterator[None]:
        with serve(application(World(place / "cluster"))) as url:
            begin_pod(url, "web-1")
            (place / "url").write_text(url)
            yield

    def step(self, place: Path, identity: str) -> Step:
        told = {"parameters": {"exec": {}}, "target": "pod/web-1"}
        return super().step(place, identity).model_copy(update=told)
