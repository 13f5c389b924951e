"""The suite of all executors, over a real sshd."""

from pathlib import Path
from typing import Any

import pytest
from tests.integration.ssh.conftest import executor_for

from firstline.executor import Executor
from firstline.testing.executor import Bench, ExecutorContract, Run
from firstline.testing.sshd import Sshd


class ToWeb1(Bench):
    """Steps go to `web1` unless they say otherwise."""

    async def start(self, run: Run, executor: Executor[Any] | None = None, **fields: Any) -> Any:
        return await super().start(run, executor, **{"target": "web1", **fields})


class TestSshExecutor(ExecutorContract):
    @pytest.fixture(autouse=True)
    def served(self, sshd: Sshd) -> None:
        self.sshd = sshd

    @pytest.fixture
    async def bench(self, place: Path) -> Any:
        bench = ToWeb1(lambda: self.make(place))
        yield bench
        await bench.aclose()

    def make(self, place: Path) -> Executor[Any]:
        return executor_for(self.sshd, remote_directory=str(place / "kept"))

    def whitelist(self) -> set[str]:
        return {"PATH", "HOME", "LANG", "LC_ALL", "TZ", "USER", "LOGNAME", "SHELL", "FIRSTLINE_OUTPUT"}
