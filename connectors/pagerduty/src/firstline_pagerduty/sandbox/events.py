"""The Events API v2: alerts and changes from monitoring (PagerDuty, "Send an Alert Event", "Send a Change Event")."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from firstline_pagerduty.sandbox.account import Account
from firstline_pagerduty.sandbox.entity import Alert, Service, Urgency, identifier, now
from firstline_pagerduty.sandbox.error import Refusal
from firstline_pagerduty.sandbox.http import answer

LONGEST_KEY, LONGEST_SUMMARY, LARGEST = 255, 1024, 512 * 1024
ACTIONS = ("trigger", "acknowledge", "resolve")
URGENCIES: dict[str, Urgency] = {"critical": "high", "error": "high", "warning": "low", "info": "low"}
Json = dict[str, Any]


class Events:
    """`requests` counts them."""

    def __init__(self, account: Account, requests: Counter[str]) -> None:
        self._account = account
        self._requests = requests

    def routes(self) -> list[Route]:
        return [
            Route("/v2/enqueue", self.enqueue, methods=["POST"]),
            Route("/v2/change/enqueue", self.enqueue_change, methods=["POST"]),
        ]

    async def enqueue(self, request: Request) -> Response:
        self._requests["POST /v2/enqueue"] += 1
        event = await _object(request)
        problems = _problems(event)
        service = self._service(event)
        if problems or service is None:
            return _invalid(*(problems or ["Invalid routing key"]))
        key = str(event.get("dedup_key") or "") or identifier("", 32).lower()
        if event["event_action"] == "trigger":
            self._trigger(service, key, event["payload"])
        else:
            self._follow(service, key, event["event_action"])
        return answer({"status": "success", "message": "Event processed", "dedup_key": key}, 202)

    async def enqueue_change(self, request: Request) -> Response:
        self._requests["POST /v2/change/enqueue"] += 1
        event = await _object(request)
        service = self._service(event)
        told = event.get("payload")
        if service is None or not isinstance(told, dict) or not told.get("summary"):
            return _invalid("'routing_key' and 'payload.summary' are needed")
        at = _time(told.get("timestamp"))
        if at is None:
            return _invalid("'payload.timestamp' is not a date and time")
        self._account.change_events.append(
            {
                "id": identifier("0", 26),
                "type": "change_event",
                "summary": told["summary"],
                "timestamp": at.isoformat(timespec="seconds"),
                "source": told.get("source"),
                "services": [{"id": service.id, "type": "service_reference"}],
                "integration": {"id": f"{service.id}EV2", "type": "inbound_integration_reference"},
                "custom_details": told.get("custom_details"),
                "links": event.get("links") or [],
            }
        )
        return answer({"status": "success", "message": "Change event processed"}, 202)

    def _trigger(self, service: Service, key: str, told: Json) -> None:
        incident = self._account.find_open(service, key)
        if incident:
            self._account.repeat(incident)
            return
        self._account.trigger(
            service,
            told["summary"],
            None,
            urgency=URGENCIES[told["severity"]],
            key=key,
            details=told.get("custom_details"),
            alert=Alert(key, told),
        )

    def _follow(self, service: Service, key: str, action: str) -> None:
        """An acknowledgement or resolution; without an open alert of that key it is dropped, as PagerDuty does."""
        incident = self._account.find_open(service, key)
        if incident is None:
            return
        try:
            self._account.set_status(incident, "acknowledged" if action == "acknowledge" else "resolved", None)
        except Refusal:
            return  # it is there already; the Events API answers before it looks

    def _service(self, event: Json) -> Service | None:
        key = event.get("routing_key")
        return next((one for one in self._account.services.values() if one.routing_key == key), None)


def _problems(event: Json) -> list[str]:
    problems = []
    if len(str(event.get("routing_key") or "")) != 32:
        problems.append("Length of 'routing_key' is incorrect (should be 32 characters)")
    if event.get("event_action") not in ACTIONS:
        problems.append(f"'event_action' must be one of {', '.join(ACTIONS)}")
    key = event.get("dedup_key")
    if len(str(key or "")) > LONGEST_KEY:
        problems.append(f"'dedup_key' is longer than {LONGEST_KEY} characters")
    if event.get("event_action") == "trigger":
        problems += _problems_of_alert(event.get("payload"))
    elif not key:
        problems.append("'dedup_key' is missing or blank")
    return problems


def _problems_of_alert(told: Any) -> list[str]:
    if not isinstance(told, dict):
        return ["'payload' is missing or is not an object"]
    problems = [f"'payload.{name}' is missing or blank" for name in ("summary", "source") if not told.get(name)]
    if len(str(told.get("summary") or "")) > LONGEST_SUMMARY:
        problems.append(f"'payload.summary' is longer than {LONGEST_SUMMARY} characters")
    if told.get("severity") not in URGENCIES:
        problems.append(f"'payload.severity' must be one of {', '.join(URGENCIES)}")
    return problems


def _time(text: Any) -> datetime | None:
    if text is None:
        return now()
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC)
    except ValueError:
        return None


async def _object(request: Request) -> Json:
    """The event; empty, and so refused for what it lacks, when it is too large or no JSON object."""
    body = await request.body()
    try:
        event = orjson.loads(body) if len(body) <= LARGEST else None
    except orjson.JSONDecodeError:
        event = None
    return event if isinstance(event, dict) else {}


def _invalid(*problems: str) -> Response:
    return answer({"status": "invalid event", "message": "Event object is invalid", "errors": problems}, 400)
