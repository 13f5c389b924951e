"""Webhooks of version 3, sent as PagerDuty says it sends them ("Behavior")."""

import asyncio
import hmac
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import uuid4

import httpx
import orjson

from firstline.chaos import HookChaos
from firstline.http import client
from firstline_pagerduty.sandbox.entity import identifier

TIMEOUT = 5.0  # seconds; Timeouts
DROPS_UNTIL_DISABLED = 3  # Temporary Disablement
FIRST_DELAY, LAST_DELAY, PATIENCE = 0.2, 5.0, 3600.0  # seconds; PagerDuty waits longer and goes on for 48 hours
CONCURRENCY = 20

# What the API names of a subscription to everything; of an incident ("Webhooks Overview", Event Types).
EVERY = frozenset(
    f"incident.{name}"
    for name in (
        *("acknowledged", "annotated", "conference_bridge.updated", "custom_field_values.updated", "delegated"),
        *("escalated", "incident_type.changed", "priority_updated", "reassigned", "reopened", "resolved"),
        *("responder.added", "responder.replied", "service_updated", "status_update_published", "triggered"),
        *("unacknowledged", "workflow.completed", "workflow.started"),
    )
)
Sleep = Callable[[float], Awaitable[None]]


@dataclass
class Subscription:
    """`events` empty: all. `scope`: the account's incidents, or those of the service or team with that id."""

    url: str
    secret: str
    events: frozenset[str] = frozenset()
    scope: tuple[str, str] = ("account", "")
    description: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    id: str = field(default_factory=lambda: identifier("P", 7))
    method: str = field(default_factory=lambda: identifier("P", 7))
    active: bool = True
    disabled: bool = False
    dropped_in_a_row: int = 0

    def wants(self, event_type: str, service: str, team: str) -> bool:
        kind, identity = self.scope
        covered = {"account": "", "service": service, "team": team}[kind] == identity
        asked_for = event_type in self.events or not self.events
        return asked_for and covered and self.active and not self.disabled


@dataclass
class Delivery:
    """One webhook to one subscription. Its id is the same at each attempt."""

    subscription: Subscription
    event_type: str
    body: bytes
    id: str = field(default_factory=lambda: str(uuid4()))
    attempts: int = 0
    outcome: str = "waiting"

    def headers(self) -> dict[str, str]:
        signature = hmac.new(self.subscription.secret.encode(), self.body, "sha256").hexdigest()
        return {
            "Content-Type": "application/json",
            "User-Agent": "PagerDuty-Webhook/V3.0",
            "X-PagerDuty-Signature": f"v1={signature}",
            "X-Webhook-Id": self.id,
            "X-Webhook-Subscription": self.subscription.id,
            **self.subscription.headers,
        }


class Courier:
    """Delivers in order for each subscription and incident: what can't be delivered now holds up what comes next."""

    def __init__(self, sleep: Sleep, chaos: HookChaos) -> None:
        self.subscriptions: dict[str, Subscription] = {}
        self.recent: deque[Delivery] = deque(maxlen=200)
        self._sleep = sleep
        self._chaos = chaos
        self._http = client("")
        self._at_once = asyncio.Semaphore(CONCURRENCY)
        self._queues: dict[tuple[str, str], deque[Delivery]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def publish(self, event: dict[str, Any], service: str, team: str, resource: str) -> None:
        """Queue an event for each subscription that wants it. `resource` is what the order is kept for."""
        event_type = event["event"]["event_type"]
        for subscription in self.subscriptions.values():
            if subscription.wants(event_type, service, team):
                self.send(subscription, event, resource)

    def send(self, subscription: Subscription, event: dict[str, Any], resource: str) -> None:
        delivery = Delivery(subscription, event["event"]["event_type"], orjson.dumps(event))
        self.recent.append(delivery)
        key = (subscription.id, resource)
        if key in self._queues:
            self._queues[key].append(delivery)
            return
        self._queues[key] = deque([delivery])
        task = asyncio.get_running_loop().create_task(self._drain(key))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def forget(self) -> None:
        """Drop what is queued and every subscription."""
        for task in self._tasks:
            task.cancel()
        self._queues.clear()
        self.subscriptions.clear()
        self.recent.clear()

    async def settle(self) -> None:
        """Return when everything is delivered or dropped."""
        while self._tasks or self._chaos.waiting:
            if self._tasks:
                await asyncio.wait(self._tasks)
            else:
                await asyncio.sleep(FIRST_DELAY)  # what the chaos holds back has no task here

    async def aclose(self) -> None:
        tasks = list(self._tasks)
        self.forget()
        await self._chaos.aclose()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._http.aclose()

    async def _drain(self, key: tuple[str, str]) -> None:
        queue = self._queues[key]
        while queue:
            await self._chaos.deliver(key[1], partial(self._deliver, queue[0]))
            queue.popleft()
        if self._queues.get(key) is queue:
            del self._queues[key]

    async def _deliver(self, delivery: Delivery) -> None:
        for delay in _delays():
            delivery.outcome = await self._attempt(delivery)
            if delivery.outcome == "delivered":
                delivery.subscription.dropped_in_a_row = 0
                return
            if delivery.outcome.startswith("dropped"):
                break
            await self._sleep(delay)
        else:
            delivery.outcome = f"dropped: no success in {PATIENCE:.0f} s"
        delivery.subscription.dropped_in_a_row += 1
        if delivery.subscription.dropped_in_a_row >= DROPS_UNTIL_DISABLED:
            delivery.subscription.disabled = True  # what waits is dropped, until somebody enables it

    async def _attempt(self, delivery: Delivery) -> str:
        if delivery.subscription.disabled:
            return "dropped: the subscription is disabled"
        delivery.attempts += 1
        try:
            async with self._at_once:
                answer = await self._http.post(
                    delivery.subscription.url, content=delivery.body, headers=delivery.headers(), timeout=TIMEOUT
                )
        except httpx.TransportError as problem:
            return f"to be tried again: {type(problem).__name__}"
        if answer.is_success:
            return "delivered"
        if answer.status_code == 429 or answer.is_server_error:
            return f"to be tried again: answered {answer.status_code}"
        return f"dropped: answered {answer.status_code}"


def _delays() -> Iterator[float]:
    """Seconds to wait after each attempt; together as long as the patience."""
    waited, delay = 0.0, FIRST_DELAY
    while waited < PATIENCE:
        yield delay
        waited += delay
        delay = min(delay * 2, LAST_DELAY)
