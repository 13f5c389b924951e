"""Functions as processes of this machine."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from firstline.executor import Executor, Handle
from firstline.executors.python.executor import PythonExecutor
from firstline.executors.python.settings import PythonSettings
from firstline.testing.executor import Bench, ExecutorContract, Run


class CallBench(Bench):
    """What is to be run is a function's name, and the names and values of its arguments."""

    async def start(self, run: Run, executor: Executor[Any] | None = None, **fields: Any) -> Handle:
        name, *words = run
        arguments = dict(zip(words[::2], words[1::2], strict=True))
        if "timeout" in fields:  # what is timed is the function: Python itself takes a while to begin
            fields["timeout"] += 2.0
        return await super().start((), executor, parameters={"function": name, "arguments": arguments}, **fields)


class TestPythonExecutor(ExecutorContract):
    def make(self, place: Path) -> Executor[Any]:
        return PythonExecutor(PythonSettings(directory=place / "runs", kill_grace=0.3))

    def whitelist(self) -> set[str]:
        return {"PATH", "HOME", "LANG", "LC_ALL", "TZ", "LC_CTYPE", "FIRSTLINE_OUTPUT"}

    @pytest.fixture
    async def bench(self, place: Path) -> AsyncIterator[Bench]:
        bench = CallBench(lambda: self.make(place))
        yield bench
        await bench.aclose()

    def printing(self, stdout: str, stderr: str = "") -> Run:
        return ("printing", "stdout", stdout, "stderr", stderr)

    def failing(self, status: int) -> Run:
        return ("failing", "status", str(status))

    def counting(self, place: Path) -> Run:
        return ("counting", "place", str(place))

    def lasting(self, place: Path) -> Run:
        return ("lasting", "place", str(place))

    def waiting(self, place: Path) -> Run:
        return ("waiting", "place", str(place))

    def listing(self) -> Run:
        return ("listing",)
