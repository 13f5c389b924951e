"""Jobs of AWX, as the hub relies on them; with the stand-in."""

from pathlib import Path
from typing import Any

import pytest
from tests.integration.awx.case import AwxBench, executor

from firstline.errors import Rejected
from firstline.executor import Executor
from firstline.testing.executor import Bench, ExecutorContract


class TestAwxExecutor(ExecutorContract):
    bench_of = AwxBench
    has_exit_status = False
    has_two_streams = False
    has_lines = True
    takes_environment = False

    @pytest.fixture(autouse=True)
    def _standing(self, url: str) -> None:
        self.url = url

    def make(self, place: Path) -> Executor[Any]:
        return executor(self.url, place)

    async def test_a_program_that_is_not_there_is_rejected(self, bench: Bench) -> None:
        with pytest.raises(Rejected, match="no-such-program"):
            await bench.start((), parameters={"job_template": "no-such-program"})
