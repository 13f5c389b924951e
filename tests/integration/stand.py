"""One server for the tests of a module, and what stands behind it for each: to begin and end a server takes longer than
most tests."""

from collections.abc import Iterator

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from firstline.testing.loopback import serve


class Stand:
    """Where one application after the other stands."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self.app(scope, receive, send)


@pytest.fixture(scope="module")
def stand() -> Iterator[tuple[Stand, str]]:
    """And where it listens."""
    stand = Stand()
    with serve(stand) as url:
        yield stand, url
