"""A stateful stand-in of PagerDuty, built from its documents: REST API v2, Events API v2, webhooks of version 3."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from firstline.chaos import ChaosApp, Faults, HookChaos
from firstline.connector import SandboxSettings
from firstline_pagerduty.sandbox import page, subscription
from firstline_pagerduty.sandbox.account import Account, Happening
from firstline_pagerduty.sandbox.entity import Incident
from firstline_pagerduty.sandbox.error import not_found
from firstline_pagerduty.sandbox.events import Events
from firstline_pagerduty.sandbox.field import Fields
from firstline_pagerduty.sandbox.http import Gate, answer
from firstline_pagerduty.sandbox.key import Keys
from firstline_pagerduty.sandbox.log import Log
from firstline_pagerduty.sandbox.rest import Rest
from firstline_pagerduty.sandbox.seed import Seed
from firstline_pagerduty.sandbox.shape import Shape
from firstline_pagerduty.sandbox.trouble import Trouble
from firstline_pagerduty.sandbox.webhook import Courier, Delivery, Sleep, Subscription

__all__ = ["create_app"]


def create_app(settings: SandboxSettings, *, sleep: Sleep = asyncio.sleep) -> Starlette:
    """The sandbox as an ASGI application. `sleep` waits between attempts at a webhook."""
    sandbox = _Sandbox(settings, sleep)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await sandbox.courier.aclose()

    absent = {404: _no_such_path, 405: _no_such_path}
    chaos = Middleware(ChaosApp, faults=sandbox.faults, refusal=_in_trouble)
    app = Starlette(routes=sandbox.routes(), lifespan=lifespan, exception_handlers=absent, middleware=[chaos])
    app.state.courier = sandbox.courier
    return app


class _Sandbox:
    def __init__(self, settings: SandboxSettings, sleep: Sleep) -> None:
        self._settings = settings
        self._seed = Seed.model_validate(settings.seed)
        self._shape = Shape(settings.public_url)
        self._keys = Keys(self._seed)
        self._gate = Gate(self._keys, self._seed.rate_limit)
        self.faults = Faults(settings.chaos)
        self.courier = Courier(sleep, HookChaos(self.faults))
        self._account = Account(self._tell)
        self._begin()

    def routes(self) -> list[Route]:
        return [
            *Rest(self._account, self._shape, self._gate).routes(),
            *Log(self._account, self._shape, self._gate).routes(),
            *Fields(self._account, self._shape, self._gate).routes(),
            *Events(self._account, self._gate.requests).routes(),
            *self._keys.routes(),
            *subscription.Subscriptions(self.courier, self._shape, self._gate).routes(),
            Route("/", self.show_page, methods=["GET"]),
            Route("/sandbox/state", self.show_state, methods=["GET"]),
            Route("/sandbox/reset", self.reset, methods=["POST"]),
            Route("/sandbox/settle", self.settle, methods=["POST"]),
            Route("/sandbox/trouble", self.show_trouble, methods=["GET"]),
            Route("/sandbox/trouble", self.make_trouble, methods=["PUT"]),
            Route("/sandbox/subscriptions/{id}/disable", self.disable, methods=["POST"]),
            Route("/sandbox/incidents/{id}/external_references", self.refer, methods=["PUT"]),
            Route("/sandbox/tokens", self.revoke, methods=["DELETE"]),
        ]

    async def show_page(self, _: Request) -> Response:
        return HTMLResponse(page.render([self._whole(one) for one in self._account.incidents.values()]))

    async def show_state(self, _: Request) -> Response:
        account, shape, courier = self._account, self._shape, self.courier
        return answer(
            {
                "requests": {"total": self._gate.requests.total(), **self._gate.requests},
                "incidents": [self._whole(one) for one in account.incidents.values()],
                "users": [shape.user(one) for one in account.users.values()],
                "services": [shape.service(one) for one in account.services.values()],
                "escalation_policies": [shape.policy(one) for one in account.policies.values()],
                "change_events": account.change_events,
                "webhook_subscriptions": [subscription.shape(one) for one in courier.subscriptions.values()],
                "deliveries": [_delivery(one) for one in courier.recent],
            }
        )

    async def reset(self, _: Request) -> Response:
        self.courier.forget()
        self._gate.requests.clear()
        self._begin()
        return answer({"status": "reset"})

    async def settle(self, _: Request) -> Response:
        """Answers when no webhook waits any more, for rehearsals that go on from there."""
        await self.courier.settle()
        return answer({"status": "settled"})

    async def show_trouble(self, _: Request) -> Response:
        return answer(self._account.trouble.model_dump(mode="json"))

    async def make_trouble(self, request: Request) -> Response:
        try:
            self._account.trouble = Trouble.model_validate_json(await request.body())
        except ValueError as problem:
            return answer({"error": str(problem)}, 400)
        return await self.show_trouble(request)

    async def disable(self, request: Request) -> Response:
        """As after three webhooks in a row that were refused."""
        found = self.courier.subscriptions.get(request.path_params["id"])
        if found is None:
            return await _no_such_path(request, Exception())
        found.disabled = True
        return answer(subscription.shape(found))

    async def refer(self, request: Request) -> Response:
        """What an integration of PagerDuty does when it has made a ticket elsewhere."""
        found = self._account.incidents.get(request.path_params["id"])
        if found is None:
            return await _no_such_path(request, Exception())
        found.references = orjson.loads(await request.body())
        self._account.touch(found)
        return answer(found.references)

    async def revoke(self, _: Request) -> Response:
        self._keys.revoke()
        return answer({"status": "revoked"})

    def _begin(self) -> None:
        self._account.load(self._seed)
        if self._settings.hook_url:
            hook = Subscription(self._settings.hook_url, self._settings.hook_secret, description="From the settings")
            self.courier.subscriptions[hook.id] = hook

    def _tell(self, happening: Happening) -> None:
        incident = happening.incident
        service = incident.service
        self.courier.publish(self._shape.event(happening), service.id, service.team, incident.id)

    def _whole(self, incident: Incident) -> dict[str, Any]:
        shape = self._shape
        return shape.incident(incident, ("body", "external_references")) | {
            "escalation_level": incident.level,
            "notes": [shape.note(note) for note in incident.notes],
            "log_entries": [shape.log_entry(incident, entry) for entry in incident.log],
            "alerts": [shape.alert(incident, incident.alert)] if incident.alert else [],
        }


def _delivery(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": delivery.id,
        "event_type": delivery.event_type,
        "url": delivery.subscription.url,
        "attempts": delivery.attempts,
        "outcome": delivery.outcome,
    }


def _in_trouble(status: int) -> dict[str, Any]:
    words = "Rate Limit Exceeded" if status == 429 else "The sandbox was asked for trouble"
    return {"error": {"message": words, "code": 2020 if status == 429 else 2000}}


async def _no_such_path(_: Request, __: Exception) -> Response:
    refusal = not_found()
    return answer(refusal.body(), refusal.status)
