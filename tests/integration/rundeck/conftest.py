"""One server for all tests of a module, and a stand-in behind it for each."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.integration.rundeck.case import RundeckBench, executor, server
from tests.integration.stand import Stand, stand

from firstline.testing.rundeck import Rundeck

__all__ = ["stand"]


@pytest.fixture
def rundeck(stand: tuple[Stand, str]) -> Rundeck:
    made = server()
    stand[0].app = made.app
    return made


@pytest.fixture
def url(rundeck: Rundeck, stand: tuple[Stand, str]) -> str:
    return stand[1]


@pytest.fixture
async def bench(url: str, tmp_path: Path) -> AsyncIterator[RundeckBench]:
    bench = RundeckBench(lambda: executor(url, tmp_path))
    yield bench
    await bench.aclose()
