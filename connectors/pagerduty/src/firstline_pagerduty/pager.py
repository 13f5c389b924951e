"""The hub's own alarms and changes, by the Events API v2 ("Send an Alert Event", "Send a Change Event")."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from httpx import AsyncClient
from pydantic import SecretStr

from firstline.connector import Alarm, Announcement
from firstline.errors import Rejected
from firstline.http import client, request
from firstline.meter import Meter
from firstline_pagerduty.rest import Rest
from firstline_pagerduty.settings import PagerDutySettings

OURS = "firstline:"  # how the dedup key of an alarm begins, which becomes its incident's key
LONGEST_KEY = 255


class Events:
    """A dedup key makes a repeat of an alarm the same alert. Change events have none: what was announced is looked for
    in the REST API first."""

    def __init__(self, rest: Rest, settings: PagerDutySettings, meter: Meter) -> None:
        self._rest = rest
        self._alarms = settings.alarm_routing_key
        self._changes = settings.change_routing_key or settings.alarm_routing_key
        self._url = settings.events_url
        self._meter = meter
        self._http: AsyncClient | None = None  # most connections never page

    async def alarm(self, alarm: Alarm) -> None:
        key = _secret(self._alarms, "alarm_routing_key")
        action = "resolve" if alarm.resolved else "trigger"
        body: dict[str, Any] = {"routing_key": key, "event_action": action, "dedup_key": dedup_key(alarm.key)}
        if not alarm.resolved:
            body |= {"client": "Firstline", "payload": _alert(alarm)}
            body |= {"client_url": alarm.url, "links": [_link(alarm.url)]} if alarm.url else {}
        await self._send("/v2/enqueue", body)

    async def announce(self, announcement: Announcement) -> None:
        key = _secret(self._changes, "change_routing_key")
        if not await self._announced(announcement):
            links = {"links": [_link(announcement.url)]} if announcement.url else {}
            body = {"routing_key": key, "payload": _change(announcement), **links}
            await self._send("/v2/change/enqueue", body)

    async def _announced(self, announcement: Announcement) -> bool:
        since, until = (announcement.at.astimezone(UTC) + timedelta(seconds=one) for one in (-1, 2))
        answer = await self._rest.get("/change_events", since=_iso(since), until=_iso(until), limit=100)
        details = (one.get("custom_details") or {} for one in answer.get("change_events") or ())
        return any(one.get("key") == announcement.key for one in details)

    async def aclose(self) -> None:
        if self._http:
            await self._http.aclose()

    async def _send(self, path: str, body: dict[str, Any]) -> None:
        if self._http is None:
            self._http = client(self._url, meter=self._meter)
        await request(self._http, "POST", path, json=body)


def dedup_key(key: str) -> str:
    """Ours, and no longer than PagerDuty takes."""
    full = OURS + key
    return full if len(full) <= LONGEST_KEY else f"{OURS}{sha256(key.encode()).hexdigest()}"


def is_alarm(incident: dict[str, Any]) -> bool:
    """Whether an incident in PagerDuty's shape was opened by an alarm of ours."""
    return str(incident.get("incident_key") or "").startswith(OURS)


def _alert(alarm: Alarm) -> dict[str, Any]:
    return {
        "summary": alarm.summary,
        "source": alarm.source,
        "severity": alarm.severity,
        "custom_details": alarm.details,
    }


def _change(announcement: Announcement) -> dict[str, Any]:
    return {
        "summary": announcement.summary,
        "timestamp": announcement.at.isoformat(),
        "source": "firstline",
        "custom_details": announcement.details | {"key": announcement.key},
    }


def _iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _link(url: str) -> dict[str, str]:
    return {"href": url, "text": "In Firstline"}


def _secret(key: SecretStr | None, name: str) -> str:
    if key is None:
        raise Rejected(f"set {name}: the integration key of an Events API v2 integration on the service to be told")
    return key.get_secret_value()
