"""A sandbox on loopback, and connectors to it that are closed when the test ends."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from connectors.servicenow.tests.stage import sandbox, settings

from firstline_servicenow.connector import ServiceNowConnector

Connect = Callable[..., ServiceNowConnector]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    made: list[ServiceNowConnector] = []

    def make(base_url: str, **more: Any) -> ServiceNowConnector:
        made.append(ServiceNowConnector("prod", settings(base_url, **more)))
        return made[-1]

    yield make
    for connector in made:
        await connector.aclose()


@pytest.fixture
def address(loopback: Callable[[Any], str]) -> str:
    return loopback(sandbox())


@pytest.fixture
async def person(address: str) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody else at work in the same instance."""
    async with httpx.AsyncClient(base_url=address, auth=("admin", "admin"), trust_env=False) as http:
        yield http
