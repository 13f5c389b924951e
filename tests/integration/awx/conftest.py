"""One server for all tests of a module, and a stand-in behind it for each."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.awx.case import AwxBench, executor
from tests.integration.awx.case import world as make

from firstline.testing.awx import World, application
from firstline.testing.fault import Fault, Wire
from firstline.testing.loopback import serve


class Stand:
    """Where one stand-in after the other stands: to begin and end a server takes longer than most tests."""

    app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await self.app(scope, receive, send)


@pytest.fixture(scope="module")
def stand() -> Iterator[tuple[Stand, str]]:
    stand = Stand()
    with serve(stand) as url:
        yield stand, url


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
