"""A sequence of calls, as the hub relies on it: another system runs the commands."""

from pathlib import Path
from typing import Any

import pytest
from tests.integration.http_executor.case import HttpBench, executor

from firstline.executor import Executor
from firstline.testing.executor import ExecutorContract


class TestHttpExecutor(ExecutorContract):
    bench_of = HttpBench
    has_two_streams = False
    takes_environment = False

    @pytest.fixture(autouse=True)
    def _standing(self, url: str) -> None:
        self.url = url

    def make(self, place: Path) -> Executor[Any]:
        return executor(self.url, place)
