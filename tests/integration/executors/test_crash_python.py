"""The crash matrix of functions that keep to their run's key: whatever is killed, they come to their end, and what they
do under the key is done once."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import JsonValue
from tests.integration.executors.test_crash_command import kill_all, kill_supervisor
from tests.integration.python_executor.package import MODULE, install

from firstline.executor import Step
from firstline.testing.crash import CrashContract, Kill


class TestPythonCrashes(CrashContract):
    factory = "tests.integration.executors.crash_python:make"

    @contextmanager
    def stage(self, place: Path) -> Iterator[None]:
        packages = place / "packages"
        packages.mkdir()
        install(packages)
        sys.path.insert(0, str(packages))
        yield
        sys.path.remove(str(packages))
        sys.modules.pop(MODULE, None)

    def kills(self) -> dict[str, Kill]:
        return {"supervisor": kill_supervisor, "all but the function": kill_all}

    def step(self, place: Path, identity: str) -> Step:
        arguments: dict[str, JsonValue] = {"place": str(place), "seconds": self.lasts}
        return Step(id=identity, parameters={"function": "keyed", "arguments": arguments}, timeout=60.0)
