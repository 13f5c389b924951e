"""What a poll brings, as deliveries, and what those say happened: an entry of the log with its incident as it is now,
or an incident alone."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from pydantic import BaseModel, Field

from firstline.connector import Delivery
from firstline.incident import OPENED, Event, EventType, Incident
from firstline_pagerduty import identity, note, record
from firstline_pagerduty.translate import is_own, json

# The log's types (OpenAPI, LogEntry; `priority_change` is sent and not in it), as the webhook calls the same.
VERBS: dict[str, tuple[str, EventType]] = {
    "acknowledge_log_entry": ("acknowledged", "incident.acknowledged"),
    "unacknowledge_log_entry": ("unacknowledged", "incident.updated"),
    "escalate_log_entry": ("escalated", "incident.escalated"),
    "delegate_log_entry": ("delegated", "incident.updated"),
    "assign_log_entry": ("reassigned", "incident.updated"),
    "priority_change_log_entry": ("priority_updated", "incident.updated"),
    "resolve_log_entry": ("resolved", "incident.resolved"),
    "annotate_log_entry": ("annotated", "incident.commented"),
}
TRIGGER = "trigger_log_entry"
ASSIGN = "assign_log_entry"
# Nothing that changes what we show of an incident, nor that a webhook would bring: who was called, and when nobody is;
# what was put off; what was asked of or told to people; fields that a view has not.
NOISE = frozenset(
    {
        *("snooze_log_entry", "responder_request_log_entry", "status_update_log_entry"),
        "custom_field_value_change_log_entry",
        *("notify_log_entry", "exhaust_escalation_path_log_entry", "repeat_escalation_path_log_entry"),
        *("reach_ack_limit_log_entry", "reach_trigger_limit_log_entry"),
    }
)
STATUSES: dict[str, EventType] = {"acknowledged": "incident.acknowledged", "resolved": "incident.resolved"}
_KEPT = ("id", "type", "summary", "created_at", "agent", "service", "note", "incident")


class Entry(BaseModel):
    id: str = Field(pattern=record.ID)
    type: str
    created_at: record.Moment
    agent: record.Link | None = None
    channel: dict[str, Any] | None = None
    incident: dict[str, Any]


class Polled(BaseModel):
    """The body of a polled delivery. `read_at`: when PagerDuty gave it, by its own clock."""

    read_at: record.Moment | None = None
    log_entry: Entry | None = None
    incident: dict[str, Any] | None = None


def is_change(entry: dict[str, Any]) -> bool:
    """Whether an entry tells of a change of its incident. PagerDuty assigns an incident by itself whenever it is opened
    or escalated; only what a person assigned is one of its own."""
    kind, agent = entry.get("type"), entry.get("agent")
    by_a_person = isinstance(agent, dict) and str(agent.get("type")).startswith("user")
    return kind not in NOISE and (kind != ASSIGN or by_a_person)


def of_entry(connection: str, entry: dict[str, Any], read_at: datetime | None) -> Delivery:
    """The entry with what is needed of it: the channel of a trigger may hold all that the monitoring sent."""
    small = {name: entry[name] for name in _KEPT if name in entry} | {"channel": _note_only(entry.get("channel"))}
    return _delivery(connection, "log", str(entry.get("id")), {"log_entry": small}, entry.get("incident"), read_at)


def of_incident(connection: str, incident: dict[str, Any], read_at: datetime | None) -> Delivery:
    return _delivery(connection, "incident", str(incident.get("id")), {"incident": incident}, incident, read_at)


def translate(delivery: Delivery, own_user_id: str) -> Sequence[Event]:
    """The opening, then what happened since. Raises `Rejected`, naming the place."""
    body = json(delivery.body)
    told = record.parse(Polled, body, "body")
    if told.log_entry is not None:
        return tuple(_of_log(delivery, told.log_entry, told.read_at, own_user_id))
    if told.incident is not None:
        return tuple(_of_record(delivery, told.incident, told.read_at, own_user_id))
    return ()


def _of_log(delivery: Delivery, entry: Entry, read_at: datetime | None, own_user_id: str) -> list[Event]:
    incident, place = None, "body.log_entry.incident"
    if "status" in entry.incident:  # else a reference only: the key may not see the incident
        incident = record.read(delivery.connection, entry.incident, read_at, place)
    agent = (entry.agent.id if entry.agent else None) or ""
    events = [] if incident is None else [_opened(incident, entry, agent, own_user_id)]
    if entry.type != TRIGGER:
        events.append(_happened(delivery, entry, incident, agent, own_user_id))
    return events


def _opened(incident: Incident, entry: Entry, agent: str, own_user_id: str) -> Event:
    return _event(
        identity.opened(incident.reference.id),
        OPENED,
        TRIGGER,
        incident,
        incident.opened_at or entry.created_at,
        agent if entry.type == TRIGGER else "",
        own_user_id,
    )


def _happened(delivery: Delivery, entry: Entry, incident: Incident | None, agent: str, own_user_id: str) -> Event:
    reference = record.linked(delivery.connection, {"incident": entry.incident})
    identifier = str(entry.incident.get("id"))
    verb, kind = VERBS.get(entry.type, ("", "incident.updated"))
    commented = kind == "incident.commented"
    marker = note.key_of(_content(entry.channel)) if commented else ""
    return Event(
        id=identity.happened(identifier, verb, entry.created_at, agent if commented else "") if verb else entry.id,
        type=kind,
        vendor_type=entry.type,
        reference=reference,
        occurred_at=entry.created_at,
        incident=incident,
        actor=agent,
        own=is_own(agent, own_user_id, marker, entry.incident),
        marker=marker,
        data=json(delivery.body),
    )


def _of_record(delivery: Delivery, source: dict[str, Any], read_at: datetime | None, own_user_id: str) -> list[Event]:
    """An opening, and how it stands: an acknowledgement or resolution has its own time on the incident."""
    incident = record.read(delivery.connection, source, read_at, "body.incident")
    last = record.parse(record.Record, source, "body.incident")
    opened_at = incident.opened_at or delivery.received_at
    events = [_event(identity.opened(last.id), OPENED, "incident", incident, opened_at, "", own_user_id)]
    if last.status in STATUSES and last.last_status_change_at:
        at, by = last.last_status_change_at, (last.last_status_change_by and last.last_status_change_by.id) or ""
        identifier = identity.happened(last.id, last.status, at)
        events.append(_event(identifier, STATUSES[last.status], "incident", incident, at, by, own_user_id))
    return events


def _event(
    identifier: str,
    kind: EventType,
    vendor_type: str,
    incident: Incident,
    at: datetime,
    agent: str,
    own_user_id: str,
) -> Event:
    return Event(
        id=identifier,
        type=kind,
        vendor_type=vendor_type,
        reference=incident.reference,
        occurred_at=at,
        incident=incident,
        actor=agent,
        own=is_own(agent, own_user_id, "", incident.data),
        data=incident.data,
    )


def _delivery(
    connection: str, kind: str, identifier: str, body: dict[str, Any], incident: Any, read_at: datetime | None
) -> Delivery:
    """One for each version of the incident: an entry that was read too early for it comes again with it."""
    updated_at = record.moment(incident.get("updated_at")) if isinstance(incident, dict) else None
    version = record.version(updated_at, read_at)
    content = body | {"read_at": read_at}
    now = datetime.now(UTC)
    key = f"{kind}:{identifier}:{version}"
    return Delivery(connection=connection, key=key, body=orjson.dumps(content), received_at=now, polled=True)


def _note_only(channel: Any) -> dict[str, Any] | None:
    if not isinstance(channel, dict) or channel.get("type") != "note":
        return None
    return {name: channel[name] for name in ("type", "summary", "content") if name in channel}


def _content(channel: dict[str, Any] | None) -> str:
    return str((channel or {}).get("content") or (channel or {}).get("summary") or "")
