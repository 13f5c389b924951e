"""A pytest plugin, active wherever firstline is installed."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def loopback() -> Iterator[Callable[[Any], str]]:
    """`loopback(app)` serves an ASGI application on 127.0.0.1 until the test ends and gives its address."""
    from firstline.testing.loopback import serve  # late: keeps pytest's start light

    with ExitStack() as servers:
        yield lambda app: servers.enter_context(serve(app))
