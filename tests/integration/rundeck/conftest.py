"""One server for all tests of a module, and a stand-in behind it for each."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send
from tests.integration.rundeck.case import RundeckBench, executor, server

from firstline.testing.loopback import serve
from firstline.testing.rundeck import Rundeck


class Stand:
    """Where one stand-in after the other stands: to begin and end a server takes longer than most tests."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self.app(scope, receive, send)


@pytest.fixture(scope="module")
def stand() -> Iterator[tuple[Stand, str]]:
    stand = Stand()
    with serve(stand) as url:
        yield stand, url


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
