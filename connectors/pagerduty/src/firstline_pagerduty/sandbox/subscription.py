"""The REST API's webhook subscriptions (PagerDuty REST API v2, "Webhooks")."""

from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from firstline_pagerduty.sandbox import error
from firstline_pagerduty.sandbox.entity import identifier
from firstline_pagerduty.sandbox.http import Gate, body_of, page
from firstline_pagerduty.sandbox.shape import Shape
from firstline_pagerduty.sandbox.webhook import EVERY, Courier, Subscription

Json = dict[str, Any]


class Subscriptions:
    def __init__(self, courier: Courier, shape: Shape, gate: Gate) -> None:
        self._courier = courier
        self._shape = shape
        self._gate = gate

    def routes(self) -> list[Route]:
        every = "/webhook_subscriptions"
        one = every + "/{id}"
        table = [
            ("GET", every, self.list_subscriptions),
            ("POST", every, self.create),
            ("GET", one, self.show),
            ("PUT", one, self.update),
            ("DELETE", one, self.delete),
            ("POST", one + "/enable", self.enable),
            ("POST", one + "/ping", self.ping),
        ]
        return [Route(path, self._gate.guard(f"{verb} {path}", act), methods=[verb]) for verb, path, act in table]

    async def list_subscriptions(self, request: Request) -> Json:
        return page("webhook_subscriptions", list(self._courier.subscriptions.values()), request, shape)

    async def create(self, request: Request) -> Json:
        fields = await body_of(request, "webhook_subscription")
        method, scope = fields.get("delivery_method") or {}, fields.get("filter") or {}
        if not method.get("url") or not fields.get("events") or not scope.get("type"):
            raise error.invalid("A subscription needs a delivery_method with a url, events and a filter with a type")
        subscription = Subscription(
            url=str(method["url"]),
            secret=identifier("", 64),
            events=frozenset(fields["events"]),
            scope=_scope(scope),
            description=str(fields.get("description") or ""),
            headers={str(one["name"]): str(one["value"]) for one in method.get("custom_headers") or ()},
        )
        self._courier.subscriptions[subscription.id] = subscription
        return {"webhook_subscription": shape(subscription, secret=subscription.secret)}

    async def show(self, request: Request) -> Json:
        return {"webhook_subscription": shape(self._found(request))}

    async def update(self, request: Request) -> Json:
        """Of what it is given, all but the delivery method."""
        subscription = self._found(request)
        fields = await body_of(request, "webhook_subscription")
        if fields.get("events"):
            subscription.events = frozenset(fields["events"])
        if fields.get("filter"):
            subscription.scope = _scope(fields["filter"])
        if "active" in fields:
            subscription.active = bool(fields["active"])
        subscription.description = str(fields.get("description") or subscription.description)
        return {"webhook_subscription": shape(subscription)}

    async def delete(self, request: Request) -> tuple[int, Json]:
        self._found(request).disabled = True  # what waits for it is not sent
        del self._courier.subscriptions[request.path_params["id"]]
        return 200, {}

    async def enable(self, request: Request) -> Json:
        subscription = self._found(request)
        subscription.disabled, subscription.dropped_in_a_row = False, 0
        return {"webhook_subscription": shape(subscription)}

    async def ping(self, request: Request) -> tuple[int, Json]:
        self._courier.send(self._found(request), self._shape.ping(), "ping")
        return 202, {}

    def _found(self, request: Request) -> Subscription:
        subscription = self._courier.subscriptions.get(request.path_params["id"])
        if subscription is None:
            raise error.not_found()
        return subscription


def shape(subscription: Subscription, secret: str | None = None) -> Json:
    """`secret` is told in the answer that creates it, and never again."""
    kind, identity = subscription.scope
    return {
        "id": subscription.id,
        "type": "webhook_subscription",
        "active": subscription.active,
        "description": subscription.description,
        "events": sorted(subscription.events or EVERY),
        "filter": {"type": f"{kind}_reference"} | ({"id": identity} if identity else {}),
        "delivery_method": {
            "id": subscription.method,
            "type": "http_delivery_method",
            "url": subscription.url,
            "secret": secret,
            "temporarily_disabled": subscription.disabled,
            "custom_headers": [{"name": name, "value": "-- redacted --"} for name in subscription.headers],
        },
    }


def _scope(asked: Json) -> tuple[str, str]:
    kind, identity = str(asked.get("type")).removesuffix("_reference"), str(asked.get("id") or "")
    if kind not in ("account", "service", "team") or bool(identity) == (kind == "account"):
        raise error.invalid("Filter must be account_reference, or service_reference or team_reference with an id")
    return kind, identity
