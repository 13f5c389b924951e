"""What a webhook of version 3 says happened (PagerDuty, "Webhooks Overview")."""

from typing import Any

import orjson
from pydantic import BaseModel, Field

from firstline.connector import Delivery
from firstline.errors import Rejected
from firstline.incident import OPENED, Event, EventType, Incident, Reference
from firstline_pagerduty import identity, note, pager, record

# Events whose data is the incident itself. PagerDuty adds types over time: what is not named here is of type `other`.
ON_AN_INCIDENT: dict[str, EventType] = {
    "incident.triggered": OPENED,
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
# What the log tells too, and therefore under an id that it gives as well.
LOGGED = frozenset(
    {
        *("incident.acknowledged", "incident.unacknowledged", "incident.escalated", "incident.delegated"),
        *("incident.reassigned", "incident.priority_updated", "incident.resolved"),
    }
)


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
    body = json(delivery.body)
    happening = record.parse(Envelope, body, "body").event
    agent = (happening.agent.id if happening.agent else None) or ""
    reference, incident = _subject(delivery.connection, happening)
    marker = note.key_of(str(happening.data.get("content") or "")) if happening.event_type == ANNOTATED else ""
    return Event(
        id=_id(happening, reference, agent),
        type=ON_AN_INCIDENT.get(happening.event_type) or BESIDE_AN_INCIDENT.get(happening.event_type, "other"),
        vendor_type=happening.event_type,
        reference=reference,
        occurred_at=happening.occurred_at,
        incident=incident,
        actor=agent,
        own=is_own(agent, own_user_id, marker, happening.data),
        marker=marker,
        data=body,
    )


def is_own(agent: str, own_user_id: str, marker: str, incident: dict[str, Any]) -> bool:
    """Done by our user; a marked note where we don't know our user; or on an incident that our own alarm opened, on
    which nothing of ours may act, or an alarm would call for the next."""
    if pager.is_alarm(incident):
        return True
    return agent == own_user_id if own_user_id else bool(marker)


def json(body: bytes) -> dict[str, Any]:
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Rejected(f"body: not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from error
    if not isinstance(parsed, dict):
        raise Rejected("body: not a JSON object")
    return parsed


def _id(happening: Happening, reference: Reference | None, agent: str) -> str:
    if reference is None:
        return happening.id
    if happening.event_type == "incident.triggered":
        return identity.opened(reference.id)
    verb = happening.event_type.removeprefix("incident.")
    if happening.event_type == ANNOTATED:
        return identity.happened(reference.id, verb, happening.occurred_at, agent)
    if happening.event_type in LOGGED:
        return identity.happened(reference.id, verb, happening.occurred_at)
    return happening.id


def _subject(connection: str, happening: Happening) -> tuple[Reference | None, Incident | None]:
    if happening.event_type not in ON_AN_INCIDENT:
        return record.linked(connection, happening.data), None
    incident = record.told(connection, happening.data, happening.occurred_at, "body.event.data")
    return incident.reference, incident
