"""Turns a delivery into an event, and a record into an incident. Pure."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import orjson

from firstline.connector import Delivery
from firstline.errors import Rejected
from firstline.incident import OPENED, Event, EventType, Incident, IncidentState, Reference
from firstline_servicenow import query
from firstline_servicenow.record import Record, count, moment, number, shown, value

NEW, IN_PROGRESS, ON_HOLD, RESOLVED, CLOSED, CANCELED = "1", "2", "3", "6", "7", "8"
ENDED = frozenset({RESOLVED, CLOSED, CANCELED})

_STATES = {
    NEW: IncidentState.OPEN,
    IN_PROGRESS: IncidentState.ACKNOWLEDGED,
    ON_HOLD: IncidentState.ACKNOWLEDGED,
    RESOLVED: IncidentState.RESOLVED,
    CLOSED: IncidentState.CLOSED,
    CANCELED: IncidentState.CLOSED,
}


def event(delivery: Delivery, base_url: str, actor: str) -> Event:
    """What a delivery of our script tells. Raises `Rejected`, naming the place, when it is not in our script's form."""
    body = _body(delivery.body)
    try:
        return _event(delivery, body, base_url, actor)
    except Rejected as error:
        raise Rejected(f"the delivery can't be used: {error}") from error


def _event(delivery: Delivery, body: dict[str, Any], base_url: str, actor: str) -> Event:
    table, identifier = query.table(_word(body, "table")), query.sys_id(_word(body, "sys_id"))
    record = body.get("record")
    if not isinstance(record, Mapping):
        raise Rejected("record: expected an object of fields")
    saves, by = count(body, "sys_mod_count"), value(body, "sys_updated_by")
    about = reference(delivery.connection, table, identifier, record, base_url)
    incident = None
    if table == "incident":
        incident = read({**record, "sys_id": identifier}, delivery.connection, base_url)
        incident = incident.model_copy(update={"version": max(incident.version, saves)})
    return Event(
        id=f"{identifier}:{saves}",
        type=_type(table, body, record),
        vendor_type=f"{table}.{value(body, 'operation')}",
        reference=about,
        occurred_at=moment(body, "sys_updated_on") or delivery.received_at,
        incident=incident,
        actor=by,
        own=bool(by) and by.casefold() == actor.casefold(),
        data=body,
    )


def read(record: Record, connection: str, base_url: str) -> Incident:
    """A record of the incident table, in any of the vendor's shapes."""
    identifier = query.sys_id(value(record, "sys_id"))
    return Incident(
        reference=reference(connection, "incident", identifier, record, base_url),
        title=value(record, "short_description"),
        description=value(record, "description"),
        state=state(record),
        priority=number(record, "priority"),
        urgency=number(record, "urgency"),
        impact=number(record, "impact"),
        ci=shown(record, "cmdb_ci"),
        service=shown(record, "business_service"),
        group=shown(record, "assignment_group"),
        category=value(record, "category"),
        subcategory=value(record, "subcategory"),
        caller=shown(record, "caller_id"),
        opened_at=moment(record, "opened_at") or moment(record, "sys_created_on"),
        updated_at=moment(record, "sys_updated_on"),
        version=count(record, "sys_mod_count"),
        data=dict(record),
    )


def state(record: Record) -> IncidentState:
    """The vendor's seven states in our four. A state that the customer added counts as acknowledged while active: it
    is not New, so somebody has it."""
    known = _STATES.get(value(record, "state"))
    if known is not None:
        return known
    if not value(record, "state"):
        return IncidentState.OPEN
    return IncidentState.CLOSED if value(record, "active") == "false" else IncidentState.ACKNOWLEDGED


def reference(connection: str, table: str, identifier: str, record: Record, base_url: str) -> Reference:
    """Names a record, with the address of its form."""
    form = quote(f"{table}.do?sys_id={identifier}", safe="")
    return Reference(
        connection=connection,
        kind=table,
        id=identifier,
        number=value(record, "number"),
        url=f"{base_url}/nav_to.do?uri={form}",
    )


def _type(table: str, body: dict[str, Any], record: Record) -> EventType:
    if table == "change_request":
        return "change.updated"
    if table != "incident":
        return "other"
    if value(body, "operation") == "insert":
        return OPENED
    previous = body.get("previous")
    before = value(previous, "state") if isinstance(previous, Mapping) else ""
    return _update(before, value(record, "state"))


def _update(before: str, after: str) -> EventType:
    """`before` is empty when it was not sent: then what a record is now stands for what happened to it."""
    if before == after:
        return "incident.updated"
    if after == RESOLVED:
        return "incident.resolved"
    if after in ENDED:
        return "incident.closed"
    if before in ENDED:
        return "incident.reopened"
    if before == NEW:
        return "incident.acknowledged"
    return "incident.updated"


def _body(raw: bytes) -> dict[str, Any]:
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Rejected(f"the delivery is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise Rejected(f"the delivery is not an object but {type(body).__name__}")
    return body


def _word(body: dict[str, Any], name: str) -> str:
    found = body.get(name)
    if not isinstance(found, str) or not found:
        raise Rejected(f"{name}: expected a text")
    return found
