"""A sequence of calls, as the hub relies on it: another system runs the commands."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.http_executor.case import HttpBench, executor
from tests.integration.http_executor.jobs import Jobs

from firstline.errors import Rejected
from firstline.executor import Executor
from firstline.testing.executor import Bench, ExecutorContract, text_of


class TestHttpExecutor(ExecutorContract):
    @pytest.fixture(autouse=True)
    def _standing(self, jobs: Jobs, url: str) -> None:
        self.jobs, self.url = jobs, url

    @pytest.fixture
    async def bench(self, place: Path) -> AsyncIterator[Bench]:
        bench = HttpBench(lambda: self.make(place))
        yield bench
        await bench.aclose()

    def make(self, place: Path) -> Executor[Any]:
        return executor(self.url, place)

    def whitelist(self) -> set[str]:
        return set()

    async def test_output_and_errors_are_told_apart(self, bench: Bench) -> None:
        """They can't be: a call gives one text."""
        progress = await bench.end(await bench.start(self.printing("out", "err")))
        assert text_of(progress, "stdout") in ("outerr", "errout")

    async def test_a_command_has_the_whitelist_and_what_the_step_names(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with pytest.raises(Rejected, match="has no environment"):
            await bench.start(self.listing(), environment={"PORT": "8080"})
        assert self.jobs.requests == []

    async def test_a_handle_holds_nothing_of_the_environment(self, bench: Bench) -> None:
        handle = await bench.start(self.printing("x"))
        assert "token" not in handle.model_dump_json()
