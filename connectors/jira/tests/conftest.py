"""A connector on its sandbox, over real HTTP."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from firstline.connector import SandboxSettings
from firstline.incident import Reference
from firstline.testing.loopback import serve
from firstline_jira.connector import JiraConnector
from firstline_jira.sandbox import create_app
from firstline_jira.settings import JiraSettings

CONTRACTS = Path(__file__).parents[3] / "tests" / "contracts" / "jira"

Make = Callable[..., JiraConnector]


def settings(base_url: str, **more: Any) -> JiraSettings:
    known: dict[str, Any] = {
        "base_url": base_url,
        "user": "hub@example.com",
        "api_token": "sandbox-token",
        "webhook_secrets": "a-webhook-secret",
        "change": {"project": "HELP"},
    }
    return JiraSettings.model_validate(known | more)


@pytest.fixture
def contracts() -> Path:
    return CONTRACTS


REQUESTS: list[dict[str, Any]] = [
    {
        "serviceDeskId": "1",
        "requestTypeId": "1",
        "requestFieldValues": {"summary": "The shop does not answer", "description": "Since 9 o'clock."},
    },
    {"serviceDeskId": "1", "requestTypeId": "2", "requestFieldValues": {"summary": "Unlock pat's account"}},
]


@pytest.fixture
def seed() -> dict[str, Any]:
    """One incident, one service request."""
    return {"requests": REQUESTS}


@pytest.fixture
def sandbox(seed: dict[str, Any]) -> Any:
    return create_app(SandboxSettings(seed=seed))


@pytest.fixture(scope="session")
def served() -> Iterator[str]:
    with serve(create_app(SandboxSettings(seed={"requests": REQUESTS}))) as address:
        yield address


@pytest.fixture(scope="session")
def served_server() -> Iterator[str]:
    with serve(create_app(SandboxSettings(seed={"requests": REQUESTS, "deployment": "datacenter"}))) as address:
        yield address


@pytest.fixture
def address(served: str) -> str:
    """A sandbox that starts over with each test."""
    return _afresh(served)


def _afresh(address: str) -> str:
    httpx.post(f"{address}/sandbox/reset", trust_env=False).raise_for_status()
    return address


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    """`make(base_url, **settings)` gives a connector that is closed at the end."""
    made: list[JiraConnector] = []

    def connect(base_url: str, **more: Any) -> JiraConnector:
        made.append(JiraConnector("jira-prod", settings(base_url, **more)))
        return made[-1]

    yield connect
    for connector in made:
        await connector.aclose()


@pytest.fixture
def jira(make: Make, address: str) -> JiraConnector:
    return make(address)


DATA_CENTER: dict[str, Any] = {
    "deployment": "datacenter",
    "user": "",
    "api_token": None,
    "personal_token": "sandbox-token",
}


@pytest.fixture
def server(served_server: str) -> str:
    """The same as a Data Center."""
    return _afresh(served_server)


@pytest.fixture
def jira_server(make: Make, server: str) -> JiraConnector:
    return make(server, **DATA_CENTER)


@pytest.fixture
def incident() -> Reference:
    return Reference(connection="jira-prod", kind="issue", id="10001", number="HELP-1")


@pytest.fixture
async def site(address: str) -> AsyncIterator[httpx.AsyncClient]:
    """The sandbox as another person uses it."""
    auth = ("sam.agent@example.com", "sandbox-token")
    async with httpx.AsyncClient(base_url=address, auth=auth, trust_env=False) as http:
        yield http
