"""The sandbox sends webhooks as PagerDuty's documents say, and they are read by the connector."""

import json
import queue
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from anyio import to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from firstline.connector import Delivery, SandboxSettings
from firstline.incident import Event
from firstline_pagerduty.sandbox import create_app
from firstline_pagerduty.signature import Verifier
from firstline_pagerduty.translate import translate

pytestmark = pytest.mark.anyio

INCIDENT = "Q3B15VLMF3ASBD"
SECRET = "hook-secret"


class Receiver:
    """A hook that keeps what it gets and answers the statuses it is given, then 202."""

    def __init__(self, *statuses: int) -> None:
        self._got: queue.Queue[tuple[dict[str, str], bytes]] = queue.Queue()
        self._statuses = list(statuses)

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/hook", self._receive, methods=["POST"])])

    async def next(self) -> tuple[dict[str, str], dict[str, Any]]:
        headers, body = await to_thread.run_sync(lambda: self._got.get(timeout=10))
        Verifier([SECRET]).verify(headers, body)
        told: dict[str, Any] = json.loads(body)
        return headers, told["event"]

    async def types(self, count: int) -> list[str]:
        return [(await self.next())[1]["event_type"] for _ in range(count)]

    @property
    def waiting(self) -> int:
        return self._got.qsize()

    async def _receive(self, request: Request) -> Response:
        self._got.put((dict(request.headers), await request.body()))
        return Response(status_code=self._statuses.pop(0) if self._statuses else 202)


class Clock:
    """Goes on by itself: whoever sleeps wakes at once, and how long it would have been is kept."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def hooked(loopback: Any, at: Any, seed: dict[str, Any], clock: Clock) -> Callable[[Receiver], Any]:
    """`hooked(receiver)` is a sandbox that sends its webhooks there."""

    def make(receiver: Receiver) -> Any:
        hook_url = loopback(receiver.app()) + "/hook"
        settings = SandboxSettings(hook_url=hook_url, hook_secret=SECRET, seed=seed, public_url="http://pd.example")
        return at(loopback(create_app(settings, sleep=clock.sleep)))

    return make


def translated(event: dict[str, Any]) -> Event:
    body = json.dumps({"event": event}).encode()
    return translate(Delivery(connection="pd", key="k", body=body, received_at=datetime.now(UTC)), "PFIRSTL")


async def test_a_change_is_told_with_the_documented_headers(hooked: Any) -> None:
    receiver = Receiver()
    sandbox = hooked(receiver)
    await sandbox.change(status="acknowledged")
    headers, event = await receiver.next()
    (subscription,) = (await sandbox.state())["webhook_subscriptions"]
    assert headers["x-webhook-subscription"] == subscription["id"]
    assert headers["x-webhook-id"]
    assert headers["content-type"] == "application/json"
    assert event["event_type"] == "incident.acknowledged"
    assert event["agent"]["id"] == "PONCALL"


@pytest.mark.parametrize(
    ("change", "captured"),
    [
        ({"escalation_level": 2}, "escalated_v3.json"),
        ({"priority": "P1"}, "priority_updated_v3.json"),
    ],
)
async def test_an_incident_is_told_in_the_captured_shape(
    hooked: Any, contracts: Path, change: dict[str, Any], captured: str
) -> None:
    receiver = Receiver()
    sandbox = hooked(receiver)
    await sandbox.change(priority="P1")
    await receiver.next()
    await sandbox.change(**change)
    _, event = await receiver.next()
    assert _shape(event) == _shape(json.loads((contracts / captured).read_bytes())["event"])


async def test_a_note_is_told_in_the_captured_shape(hooked: Any, contracts: Path) -> None:
    receiver = Receiver()
    await hooked(receiver).request("POST", f"/incidents/{INCIDENT}/notes", {"note": {"content": "Hello"}})
    _, event = await receiver.next()
    assert _shape(event) == _shape(json.loads((contracts / "annotated_v3.json").read_bytes())["event"])
    assert event["data"]["content"] == "Hello"


async def test_older_captured_webhooks_have_no_field_that_the_sandbox_lacks(hooked: Any, contracts: Path) -> None:
    receiver = Receiver()
    sandbox = hooked(receiver)
    await sandbox.change(status="acknowledged")
    _, event = await receiver.next()
    for captured in ("triggered_v3.json", "acknowledged_v3.json", "resolved_v3.json"):
        old = json.loads((contracts / captured).read_bytes())["event"]
        assert old.keys() == event.keys()
        assert old["data"].keys() <= event["data"].keys()


async def test_the_connector_reads_what_the_sandbox_tells(hooked: Any) -> None:
    receiver = Receiver()
    sandbox = hooked(receiver)
    notes = f"/incidents/{INCIDENT}/notes"
    for change in (
        {"status": "acknowledged"},
        {"escalation_level": 2},
        {"status": "resolved"},
        {"status": "triggered"},
    ):
        await sandbox.change(**change)
    await sandbox.request("POST", notes, {"note": {"content": "Hello"}})
    events = [translated((await receiver.next())[1]) for _ in range(5)]
    assert [event.type for event in events] == [
        "incident.acknowledged",
        "incident.escalated",
        "incident.resolved",
        "incident.reopened",
        "incident.commented",
    ]
    assert {event.reference.id for event in events if event.reference} == {INCIDENT}
    assert len({event.id for event in events}) == 5
    assert not any(event.own for event in events)


async def test_what_firstline_writes_comes_back_as_its_own(hooked: Any) -> None:
    receiver = Receiver()
    body = {"incident": {"type": "incident_reference", "status": "acknowledged"}}
    await hooked(receiver).request("PUT", f"/incidents/{INCIDENT}", body, From="firstline@example.com")
    assert translated((await receiver.next())[1]).own


async def test_an_alert_is_told_without_an_agent(hooked: Any) -> None:
    receiver = Receiver()
    told = {"summary": "Disk full", "source": "db1", "severity": "info"}
    event = {"routing_key": "sandbox-routing-key".ljust(32, "0"), "event_action": "trigger", "payload": told}
    await hooked(receiver).request("POST", "/v2/enqueue", event)
    _, opened = await receiver.next()
    assert (opened["event_type"], opened["agent"], opened["data"]["title"]) == ("incident.triggered", None, "Disk full")


async def test_delegation_and_reassignment_are_told(hooked: Any) -> None:
    receiver = Receiver()
    sandbox = hooked(receiver)
    await sandbox.change(assignments=[{"assignee": {"id": "PSECOND"}}])
    await sandbox.change(escalation_policy={"id": "PEP0001"})
    assert await receiver.types(2) == ["incident.reassigned", "incident.delegated"]


@pytest.mark.parametrize("status", [500, 503, 429])
async def test_what_can_not_be_taken_now_is_sent_again_under_the_same_id(
    hooked: Any, clock: Clock, status: int
) -> None:
    receiver = Receiver(status, status, status)
    await hooked(receiver).change(status="acknowledged")
    attempts = [await receiver.next() for _ in range(4)]
    assert len({headers["x-webhook-id"] for headers, _ in attempts}) == 1
    assert len({event["id"] for _, event in attempts}) == 1
    assert clock.slept == [0.2, 0.4, 0.8]


async def test_nothing_overtakes_what_could_not_be_taken(hooked: Any) -> None:
    receiver = Receiver(503, 503)
    sandbox = hooked(receiver)
    await sandbox.change(status="acknowledged")
    await sandbox.change(status="resolved")
    assert await receiver.types(4) == ["incident.acknowledged"] * 3 + ["incident.resolved"]


async def test_a_hook_that_is_not_there_is_tried_until_it_is(loopback: Any, at: Any, seed: dict[str, Any]) -> None:
    receiver = Receiver()
    address = loopback(receiver.app())
    tried = 0

    async def come_back(_: float) -> None:
        """The third attempt finds it."""
        nonlocal tried
        tried += 1
        if tried == 2:
            subscription.url = f"{address}/hook"

    settings = SandboxSettings(hook_url="http://127.0.0.1:9/hook", hook_secret=SECRET, seed=seed)
    app = create_app(settings, sleep=come_back)
    (subscription,) = app.state.courier.subscriptions.values()
    await at(loopback(app)).change(status="acknowledged")
    assert await receiver.types(1) == ["incident.acknowledged"]
    assert tried == 2


async def test_patience_ends(loopback: Any, at: Any, seed: dict[str, Any], clock: Clock) -> None:
    settings = SandboxSettings(hook_url="http://127.0.0.1:9/hook", hook_secret=SECRET, seed=seed)
    sandbox = at(loopback(create_app(settings, sleep=clock.sleep)))
    await sandbox.change(status="acknowledged")
    await sandbox.request("POST", "/sandbox/settle")
    (delivery,) = (await sandbox.state())["deliveries"]
    assert delivery["outcome"].startswith("dropped: no success")
    assert sum(clock.slept) >= 600
    assert max(clock.slept) == 5


async def test_a_refused_webhook_is_dropped_for_good(hooked: Any) -> None:
    receiver = Receiver(400)
    sandbox = hooked(receiver)
    await sandbox.change(status="acknowledged")
    await sandbox.change(status="resolved")
    assert await receiver.types(2) == ["incident.acknowledged", "incident.resolved"]
    assert [one["attempts"] for one in (await sandbox.state())["deliveries"]] == [1, 1]


async def test_three_refusals_in_a_row_disable_the_subscription_until_it_is_enabled(hooked: Any) -> None:
    receiver = Receiver(404, 404, 404)
    sandbox = hooked(receiver)
    for status in ("acknowledged", "resolved", "triggered"):
        await sandbox.change(status=status)
        await receiver.next()
    await sandbox.request("POST", "/sandbox/settle")
    (subscription,) = (await sandbox.request("GET", "/webhook_subscriptions")).json()["webhook_subscriptions"]
    assert subscription["delivery_method"]["temporarily_disabled"]
    await sandbox.change(status="acknowledged")
    await sandbox.request("POST", f"/webhook_subscriptions/{subscription['id']}/enable")
    await sandbox.change(status="resolved")
    assert await receiver.types(1) == ["incident.resolved"]


async def test_a_subscription_shows_its_secret_once(sandbox: Any) -> None:
    subscription = await _subscribe(sandbox, "http://127.0.0.1:9/hook", ["incident.triggered"])
    assert len(subscription["delivery_method"]["secret"]) == 64
    shown = (await sandbox.request("GET", f"/webhook_subscriptions/{subscription['id']}")).json()
    assert shown["webhook_subscription"]["delivery_method"]["secret"] is None


async def test_a_subscription_gets_only_what_it_asked_for(sandbox: Any, loopback: Any, monkeypatch: Any) -> None:
    receiver = Receiver()
    subscription = await _subscribe(sandbox, loopback(receiver.app()) + "/hook", ["incident.resolved"])
    monkeypatch.setattr(f"{__name__}.SECRET", subscription["delivery_method"]["secret"])
    await sandbox.change(status="acknowledged")
    await sandbox.change(status="resolved")
    assert await receiver.types(1) == ["incident.resolved"]
    await sandbox.request("POST", "/sandbox/settle")
    assert receiver.waiting == 0


@pytest.mark.parametrize(("service", "told"), [("PSHOP01", 1), ("PSHOP", 0), ("PSHOP012", 0), ("POTHER", 0)])
async def test_a_subscription_to_a_service_gets_what_happens_there(
    sandbox: Any, loopback: Any, service: str, told: int
) -> None:
    receiver = Receiver()
    scope = {"type": "service_reference", "id": service}
    await _subscribe(sandbox, loopback(receiver.app()) + "/hook", ["incident.resolved"], scope=scope)
    await sandbox.change(status="resolved")
    await sandbox.request("POST", "/sandbox/settle")
    assert receiver.waiting == told


async def test_a_deleted_subscription_gets_nothing(hooked: Any) -> None:
    receiver = Receiver()
    sandbox = hooked(receiver)
    (subscription,) = (await sandbox.state())["webhook_subscriptions"]
    await sandbox.request("DELETE", f"/webhook_subscriptions/{subscription['id']}")
    await sandbox.change(status="acknowledged")
    await sandbox.request("POST", "/sandbox/settle")
    assert receiver.waiting == 0


async def test_a_subscription_is_tried_with_a_ping(hooked: Any) -> None:
    receiver = Receiver()
    sandbox = hooked(receiver)
    (subscription,) = (await sandbox.state())["webhook_subscriptions"]
    response = await sandbox.request("POST", f"/webhook_subscriptions/{subscription['id']}/ping")
    assert response.status_code == 202
    assert translated((await receiver.next())[1]).type == "ping"


async def test_custom_headers_go_out_and_are_not_shown(sandbox: Any, loopback: Any, monkeypatch: Any) -> None:
    receiver = Receiver()
    address = loopback(receiver.app()) + "/hook"
    subscription = await _subscribe(sandbox, address, ["incident.resolved"], [{"name": "X-Way", "value": "in"}])
    monkeypatch.setattr(f"{__name__}.SECRET", subscription["delivery_method"]["secret"])
    assert subscription["delivery_method"]["custom_headers"] == [{"name": "X-Way", "value": "-- redacted --"}]
    await sandbox.change(status="resolved")
    assert (await receiver.next())[0]["x-way"] == "in"


async def _subscribe(
    sandbox: Any,
    url: str,
    events: list[str],
    headers: list[dict[str, str]] | None = None,
    scope: dict[str, str] | None = None,
) -> Any:
    method = {"type": "http_delivery_method", "url": url, "custom_headers": headers or []}
    asked = {"delivery_method": method, "events": events, "filter": scope or {"type": "account_reference"}}
    response = await sandbox.request("POST", "/webhook_subscriptions", {"webhook_subscription": asked})
    return response.json()["webhook_subscription"]


def _shape(value: Any) -> Any:
    """Keys all the way down; lists by their first element, values left out."""
    if isinstance(value, dict):
        return {key: _shape(inner) for key, inner in value.items()}
    return [_shape(inner) for inner in value[:1]] if isinstance(value, list) else None
