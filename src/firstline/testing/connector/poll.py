"""The suite of connectors that are polled."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from firstline.connector import (
    Connector,
    Delivery,
    Page,
    Window,
)
from firstline.errors import FirstlineError, Rejected, Unauthorized, Unavailable
from firstline.incident import OPENED, Event
from firstline.testing.connector.basis import Loopback, OnSandbox, always


class PollContract(OnSandbox):
    """For connectors that can be polled. Mix it in beside `ConnectorContract`, whose methods these are."""

    def since(self) -> datetime:
        """Before the sandbox's incident was opened."""
        return datetime.now(UTC) - timedelta(days=1)

    def is_of_the_incident(self) -> bool:
        """True when `webhook` tells of the very incident in the sandbox, so that a poll must give the same event."""
        return True

    @pytest.fixture
    async def polled(self, loopback: Loopback) -> AsyncIterator[Connector[Any]]:
        connector = self.connector(loopback(self.sandbox()))
        yield connector
        await connector.aclose()

    @pytest.mark.parametrize("by", ["changed", "opened"])
    async def test_a_poll_tells_once_that_the_incident_was_opened(self, polled: Connector[Any], by: Any) -> None:
        events = _events(polled, await _pages(polled, Window(since=self.since(), by=by)))
        opened = [event for event in events if event.type == OPENED and self._about(event)]
        assert len(opened) == 1
        assert opened[0].incident is not None
        assert not opened[0].own

    async def test_a_poll_and_a_webhook_name_an_opening_alike(self, polled: Connector[Any]) -> None:
        headers, body = self.webhook()
        delivery = Delivery(connection="contract", key="k", body=body, headers=headers, received_at=datetime.now(UTC))
        (pushed,) = polled.translate(delivery)
        events = _events(polled, await _pages(polled, Window(since=self.since())))
        opened = {event.id for event in events if event.type == OPENED and self._about(event)}
        assert (pushed.id in opened) == self.is_of_the_incident()

    async def test_what_is_polled_again_is_known_by_its_key(self, polled: Connector[Any]) -> None:
        pages = [await _pages(polled, Window(since=self.since())) for _ in range(2)]
        first, again = ([delivery for page in walk for delivery in page.deliveries] for walk in pages)
        assert all(delivery.polled and delivery.connection == "contract" for delivery in first)
        keys = [delivery.key for delivery in first]
        assert len(set(keys)) == len(keys) > 0
        assert keys == [delivery.key for delivery in again]

    async def test_the_last_page_says_how_far_all_is_brought(self, polled: Connector[Any]) -> None:
        pages = await _pages(polled, Window(since=self.since()))
        assert pages[-1].complete_to is not None
        assert self.since() < pages[-1].complete_to < datetime.now(UTC) + timedelta(seconds=60)

    async def test_a_window_before_the_incident_brings_nothing_of_it(self, polled: Connector[Any]) -> None:
        window = Window(since=self.since() - timedelta(days=1), until=self.since(), by="opened")
        events = _events(polled, await _pages(polled, window))
        assert not any(self._about(event) for event in events)

    @pytest.mark.parametrize(("status", "error"), [(401, Unauthorized), (403, Rejected), (503, Unavailable)])
    async def test_a_poll_that_is_refused_says_what_happens_next(
        self, loopback: Loopback, status: int, error: type[FirstlineError]
    ) -> None:
        connector = self.connector(loopback(always(status)))
        try:
            with pytest.raises(error):
                await connector.poll(Window(since=self.since()))
        finally:
            await connector.aclose()

    def _about(self, event: Event) -> bool:
        return event.reference is not None and event.reference.id == self.incident().id


async def _pages(connector: Connector[Any], window: Window) -> list[Page]:
    pages = [await connector.poll(window)]
    while pages[-1].next:
        pages.append(await connector.poll(window, pages[-1].next))
    return pages


def _events(connector: Connector[Any], pages: list[Page]) -> list[Event]:
    return [event for page in pages for delivery in page.deliveries for event in connector.translate(delivery)]
