"""Jobs of Rundeck, as the hub relies on them; with the stand-in."""

from pathlib import Path
from typing import Any

import pytest
from tests.integration.rundeck.case import RundeckBench, executor

from firstline.executor import Executor
from firstline.testing.executor import ExecutorContract, Run
from firstline.testing.rundeck import Rundeck


class TestRundeckExecutor(ExecutorContract):
    bench_of = RundeckBench
    has_exit_status = False
    has_lines = True
    takes_environment = False

    @pytest.fixture(autouse=True)
    def _standing(self, rundeck: Rundeck, url: str) -> None:
        self.server, self.url = rundeck, url

    def make(self, place: Path) -> Executor[Any]:
        return executor(self.url, place)

    def printing(self, stdout: str, stderr: str = "") -> Run:
        return ("printing", f"stdout={stdout}", f"stderr={stderr}")

    def failing(self, status: int) -> Run:
        return ("failing", f"status={status}")

    def counting(self, place: Path) -> Run:
        return ("counting", f"place={place}")

    def lasting(self, place: Path) -> Run:
        return ("lasting",)

    def workers(self, place: Path) -> list[int]:
        return [each.id for each in self.server.executions for _ in range(2)]

    def left(self, place: Path) -> list[int]:
        return [number for number, work in self.server.stage.works.items() for _ in work.workers]

    def waiting(self, place: Path) -> Run:
        return ("waiting", f"place={place}")
