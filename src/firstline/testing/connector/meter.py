"""The suite of counting: each request, however it ends."""

from typing import Any

import pytest

from firstline.connector import (
    Note,
    StateChange,
)
from firstline.errors import Rejected, Unavailable
from firstline.testing.connector.basis import Loopback, OnSandbox


class MeterContract(OnSandbox):
    """For connectors that count their requests. Mix it in beside `ConnectorContract`."""

    async def test_each_request_is_counted_however_it_ends(self, loopback: Loopback) -> None:
        counted = _Counting(self.sandbox())
        connector = self.connector(loopback(counted))
        try:
            await connector.check()
            await connector.fetch(self.incident())
            await connector.write_note(self.incident(), Note(key="metered", headline="Counted"))
            await connector.set_state(self.incident(), StateChange(to="resolved", reason="Counted"))
            with pytest.raises(Rejected):
                await connector.fetch(self.incident().model_copy(update={"id": "0" * len(self.incident().id)}))
        finally:
            await connector.aclose()
        assert connector.meter.take()[0] == counted.requests > 0

    async def test_a_request_that_nobody_hears_is_counted_too(self) -> None:
        connector = self.connector("http://127.0.0.1:9")
        try:
            with pytest.raises(Unavailable):
                await connector.fetch(self.incident())
        finally:
            await connector.aclose()
        assert connector.meter.take()[0] > 0


class _Counting:
    """Counts the requests to an application, but for those through the sandbox's own doors."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.requests = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and not scope["path"].startswith("/sandbox/"):
            self.requests += 1
        await self._app(scope, receive, send)
