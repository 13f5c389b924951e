"""What a webhook of version 3 says happened (PagerDuty, "Webhooks Overview")."""

from typing import Any

import orjson
from pydantic import BaseModel, Field

from firstline.connector import Delivery
from firstline.errors import Rejected
from firstline.incident import Event, EventType, Incident, Reference
from firstline_pagerduty import record
from firstline_pagerduty.note import MARK

# Events whose data is the incident itself. PagerDuty adds types over time: what is not named here is of type `other`.
ON_AN_INCIDENT: dict[str, EventType] = {
    "incident.triggered": "incident.opened",
    "incident.acknowledged": "incident.acknowledged",
    "incident.unacknowledged": "incident.updated",
    "incident.escalated": "incident.escalated",
    "incident.delegated": "incident.updated",
    "incident.reassigned": "incident.updated",
    "incident.priority_updated": "incident.updated",
    "incident.service_updated": "incident.updated",
    "incident.incident_type.changed": "incident.updated",
    "incident.resolved": "incident.resolved",
    "incident.reopened": "incident.reopened",
}
ANNOTATED = "incident.annotated"
# Events about something else, such as a note, that only names its incident.
BESIDE_AN_INCIDENT: dict[str, EventType] = {ANNOTATED: "incident.commented", "pagey.ping": "ping"}


class Happening(BaseModel):
    """The fields that all events have. `agent` is null for what PagerDuty did by itself."""

    id: str = Field(min_length=1)
    event_type: str = Field(min_length=1)
    occurred_at: record.Moment
    agent: record.Link | None = None
    data: dict[str, Any] = Field(default_factory=dict)


class Envelope(BaseModel):
    event: Happening


def translate(delivery: Delivery, own_user_id: str) -> Event:
    """Raises `Rejected`, naming the place, for what is not JSON or not in the documented shape."""
    body = _json(delivery.body)
    happening = record.parse(Envelope, body, "body").event
    agent = (happening.agent.id if happening.agent else None) or ""
    reference, incident = _subject(delivery.connection, happening)
    return Event(
        id=happening.id,
        type=ON_AN_INCIDENT.get(happening.event_type) or BESIDE_AN_INCIDENT.get(happening.event_type, "other"),
        vendor_type=happening.event_type,
        reference=reference,
        occurred_at=happening.occurred_at,
        incident=incident,
        actor=agent,
        own=bool(own_user_id and agent == own_user_id) or _is_our_note(happening),
        data=body,
    )


def _subject(connection: str, happening: Happening) -> tuple[Reference | None, Incident | None]:
    if happening.event_type not in ON_AN_INCIDENT:
        return record.linked(connection, happening.data), None
    incident = record.incident(connection, happening.data, happening.occurred_at, "body.event.data")
    return incident.reference, incident


def _is_our_note(happening: Happening) -> bool:
    return happening.event_type == ANNOTATED and MARK in str(happening.data.get("content") or "")


def _json(body: bytes) -> dict[str, Any]:
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Rejected(f"body: not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from error
    if not isinstance(parsed, dict):
        raise Rejected("body: not a JSON object")
    return parsed
