"""One server for all tests of a module, and a stand-in behind it for each."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.integration.awx.case import AwxBench, executor
from tests.integration.awx.case import world as make
from tests.integration.stand import Stand, stand

from firstline.testing.awx import World, application
from firstline.testing.fault import Fault, Wire

__all__ = ["stand"]


@pytest.fixture
def faults() -> list[Fault]:
    """That the next requests meet."""
    return []


@pytest.fixture
def world(stand: tuple[Stand, str], faults: list[Fault], tmp_path: Path) -> World:
    made = make(tmp_path / "awx")
    stand[0].app = Wire(application(made), faults)
    return made


@pytest.fixture
def url(world: World, stand: tuple[Stand, str]) -> str:
    return stand[1]


@pytest.fixture
async def bench(url: str, tmp_path: Path) -> AsyncIterator[AwxBench]:
    bench = AwxBench(lambda: executor(url, tmp_path))
    yield bench
    await bench.aclose()
