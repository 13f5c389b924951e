"""One server for all tests of a module, and another system behind it for each."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.integration.http_executor.case import HttpBench, executor
from tests.integration.http_executor.jobs import Jobs
from tests.integration.stand import Stand, stand

__all__ = ["stand"]


@pytest.fixture
def jobs(stand: tuple[Stand, str], tmp_path: Path) -> Iterator[Jobs]:
    jobs = Jobs(tmp_path / "other-system")
    stand[0].app = jobs.app
    yield jobs
    jobs.close()


@pytest.fixture
def url(jobs: Jobs, stand: tuple[Stand, str]) -> str:
    return stand[1]


@pytest.fixture
async def bench(url: str, tmp_path: Path) -> AsyncIterator[HttpBench]:
    bench = HttpBench(lambda: executor(url, tmp_path))
    yield bench
    await bench.aclose()
