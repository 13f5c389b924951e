"""A sandbox on loopback that starts over with each test, and connectors to it that are closed when the test ends."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pytest
from connectors.servicenow.tests.stage import SEED, sandbox, settings

from firstline.testing.loopback import serve
from firstline_servicenow.connector import ServiceNowConnector

Connect = Callable[..., ServiceNowConnector]
Start = Callable[..., str]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    made: list[ServiceNowConnector] = []

    def make(base_url: str, **more: Any) -> ServiceNowConnector:
        made.append(ServiceNowConnector("prod", settings(base_url, **more)))
        return made[-1]

    yield make
    for connector in made:
        await connector.aclose()


@pytest.fixture(scope="session")
def served() -> Iterator[str]:
    with serve(sandbox()) as address:
        yield address


@pytest.fixture
def start(served: str) -> Start:
    """`start(table=[rows], ...)` begins anew with the seed of `stage.py` and what is given in place of it."""

    def begin(**more: Any) -> str:
        seed = {"seed": {**SEED, **more}}
        # Not verified, because there is no TLS: to read the certificates of the world takes longer than the test.
        httpx.post(f"{served}/sandbox/reset", json=seed, trust_env=False, verify=False).raise_for_status()
        return served

    return begin


@pytest.fixture
def address(start: Start) -> str:
    return start()


@pytest.fixture
async def person(address: str) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody else at work in the same instance."""
    async with httpx.AsyncClient(base_url=address, auth=("admin", "admin"), trust_env=False, verify=False) as http:
        yield http
