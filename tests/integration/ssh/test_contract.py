"""The suite of all executors, over a real sshd."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.ssh.conftest import Web1, executor_for

from firstline.executor import Executor
from firstline.testing.executor import Bench, ExecutorContract
from firstline.testing.sshd import Sshd


class TestSshExecutor(ExecutorContract):
    @pytest.fixture
    async def bench(self, place: Path, sshd: Sshd) -> AsyncIterator[Bench]:
        self.sshd = sshd
        bench = Web1(lambda: self.make(place))
        yield bench
        await bench.aclose()

    def make(self, place: Path) -> Executor[Any]:
        return executor_for(self.sshd, remote_directory=str(place / "kept"))

    def whitelist(self) -> set[str]:
        return {"PATH", "HOME", "LANG", "LC_ALL", "TZ", "USER", "LOGNAME", "SHELL", "FIRSTLINE_OUTPUT"}


class TestSshExecutorBySudo(TestSshExecutor):
    """Signed in as somebody without rights, who becomes root."""

    @pytest.fixture(autouse=True)
    def account(self, deploy: str) -> None:
        self.deploy = deploy

    def make(self, place: Path) -> Executor[Any]:
        return executor_for(self.sshd, user=self.deploy, become="root", remote_directory=str(place / "kept"))
