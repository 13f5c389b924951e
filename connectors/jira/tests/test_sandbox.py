import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from firstline.connector import ChangeDraft, Delivery, Evidence, Note, SandboxSettings, StateChange
from firstline.incident import Event, Reference
from firstline_jira.connector import JiraConnector
from firstline_jira.sandbox import create_app

pytestmark = pytest.mark.anyio


class Hub:
    """Takes webhooks; answers 503 to the first few."""

    def __init__(self, refusals: int = 0) -> None:
        self.refusals = refusals
        self.tried: list[str] = []
        self.taken: asyncio.Queue[Delivery] = asyncio.Queue()
        self.app = Starlette(routes=[Route("/hook", self.take, methods=["POST"])])

    async def take(self, request: Request) -> Response:
        identifier = request.headers["x-atlassian-webhook-identifier"]
        self.tried.append(identifier)
        if len(self.tried) <= self.refusals:
            return Response(status_code=503)
        self._loop.call_soon_threadsafe(
            self.taken.put_nowait,
            Delivery(
                connection="jira-prod",
                key=identifier,
                body=await request.body(),
                headers=dict(request.headers),
                received_at=datetime.now(UTC),
            ),
        )
        return Response(status_code=202)

    async def next(self) -> Delivery:
        return await asyncio.wait_for(self.taken.get(), 20)

    def here(self) -> "Hub":
        self._loop = asyncio.get_running_loop()
        return self


@pytest.fixture
async def hub() -> Hub:
    return Hub().here()


@pytest.fixture
def sandbox(loopback: Callable[[Any], str], hub: Hub, seed: dict[str, Any]) -> Any:
    url = f"{loopback(hub.app)}/hook"
    one = {"requests": seed["requests"][:1]}
    return create_app(SandboxSettings(hook_url=url, hook_secret="a-webhook-secret", seed=one))


@pytest.fixture
def address(loopback: Callable[[Any], str], sandbox: Any) -> str:
    return loopback(sandbox)


@pytest.fixture
async def told(hub: Hub, jira: JiraConnector) -> Callable[[], Any]:
    """`await told()` is the next event, verified and translated as the hub does it."""

    async def following() -> Event:
        delivery = await hub.next()
        assert jira.verify(delivery.headers, delivery.body) == delivery.key
        (event,) = jira.translate(delivery)
        return event

    return following


async def test_what_happens_is_told_in_order_and_signed(
    told: Callable[[], Any], jira: JiraConnector, site: httpx.AsyncClient, incident: Reference
) -> None:
    opened = await told()
    assert (opened.type, opened.incident.title, opened.own) == ("incident.opened", "The shop does not answer", False)
    assert opened.incident.description.strip() == "Since 9 o'clock."
    await site.post("/rest/servicedeskapi/request/HELP-1/comment", json={"body": "still down", "public": True})
    await jira.set_state(incident, StateChange(to="acknowledged"))
    await jira.write_note(incident, Note(key="n", headline="h"))
    await jira.set_state(incident, StateChange(to="escalated"))
    await jira.set_state(incident, StateChange(to="resolved"))
    await jira.set_state(incident, StateChange(to="reopened"))
    events = [await told() for _ in range(6)]
    assert [(event.type.removeprefix("incident."), event.own) for event in events] == [
        ("commented", False),
        ("updated", True),
        ("commented", True),
        ("escalated", True),
        ("resolved", True),
        ("reopened", True),
    ]
    versions = [event.incident.version for event in events if event.incident.version]
    assert versions == sorted(versions)


async def test_a_restarted_hub_knows_its_own_echoes_once_it_has_checked(
    make: Callable[[str], JiraConnector], hub: Hub, address: str, jira: JiraConnector, incident: Reference
) -> None:
    await jira.write_note(incident, Note(key="n", headline="h"))
    restarted = make(address)
    await restarted.check()
    deliveries = [await hub.next() for _ in range(2)]
    assert [restarted.translate(delivery)[0].own for delivery in deliveries] == [False, True]


async def test_the_webhooks_view_is_the_fetched_one(
    told: Callable[[], Any], jira: JiraConnector, incident: Reference
) -> None:
    seen = (await told()).incident
    fetched = await jira.fetch(incident)
    same = {"reference", "title", "state", "priority", "category", "caller", "opened_at", "updated_at", "version"}
    assert seen.model_dump(include=same) == fetched.model_dump(include=same)


async def test_a_decided_approval_is_told_as_a_change(
    told: Callable[[], Any], jira: JiraConnector, site: httpx.AsyncClient
) -> None:
    await told()
    change = await jira.open(ChangeDraft(key="k", type="normal", short_description="s"))
    await jira.request(change, Evidence())
    await site.post(f"/sandbox/request-approval/{change.number}/approve")
    events = [await told() for _ in range(3)]
    assert [event.type for event in events] == ["change.updated"] * 3
    assert events[2].reference.id == change.id
    assert not events[2].own


async def test_a_webhook_is_sent_again_under_the_same_identifier_until_it_is_taken(
    loopback: Callable[[Any], str], seed: dict[str, Any]
) -> None:
    hub = Hub(refusals=2).here()
    settings = SandboxSettings(hook_url=f"{loopback(hub.app)}/hook", seed=seed)
    loopback(create_app(settings))
    first, second = await hub.next(), await hub.next()
    assert hub.tried == [first.key] * 3 + [second.key]
    assert [json.loads(d.body)["issue"]["key"] for d in (first, second)] == ["HELP-1", "HELP-2"]


async def test_faults_that_are_asked_for_are_made_of_requests_and_webhooks(
    loopback: Callable[[Any], str], seed: dict[str, Any]
) -> None:
    hub = Hub().here()
    settings = SandboxSettings(hook_url=f"{loopback(hub.app)}/hook", seed=seed, chaos={"hook_duplicate": 1.0})
    address = loopback(create_app(settings))
    first, again = await hub.next(), await hub.next()
    assert (first.key, first.body) == (again.key, again.body)
    auth = ("sam.agent@example.com", "sandbox-token")
    async with httpx.AsyncClient(base_url=address, auth=auth, trust_env=False) as http:
        await http.put("/sandbox/chaos", json={"rate_limit": 1.0, "retry_after": 7})
        answer = await http.get("/rest/api/3/myself")
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
        assert answer.json()["errorMessages"]
