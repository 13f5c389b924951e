"""Turns a delivery into events, and a record into an incident. Pure.

A save is named by the record and its count of saves (`sys_mod_count`): `<sys_id>:<count>`. The first is the opening,
whatever else is known of the record, so that a webhook and a poll name it alike."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

import orjson

from firstline.connector import Delivery
from firstline.errors import Rejected
from firstline.incident import OPENED, Agreement, Event, EventType, Incident, IncidentState, Item, Reference
from firstline_servicenow import kind, query
from firstline_servicenow.link import links
from firstline_servicenow.record import Record, count, moment, number, shown, value
from firstline_servicenow.settings import ServiceNowSettings


@dataclass(frozen=True)
class Save:
    """One save of one record, as far as a delivery tells of it."""

    table: str
    sys_id: str
    count: int
    operation: str
    at: datetime
    by: str
    record: Record
    body: dict[str, Any]


class Reader:
    """Reads what one connection's instance tells."""

    def __init__(self, connection: str, settings: ServiceNowSettings) -> None:
        self._connection = connection
        self._settings = settings
        self._added = {str(table): states for table, states in settings.states.items()}

    def events(self, delivery: Delivery) -> tuple[Event, ...]:
        """What a delivery tells. Raises `Rejected`, naming the place, when it is neither in our script's form nor in
        that of our poll."""
        body = _body(delivery.body)
        try:
            return self._polled(delivery, body) if delivery.polled else self._pushed(delivery, body)
        except Rejected as error:
            raise Rejected(f"the delivery can't be used: {error}") from error

    def incident(self, table: str, record: Record) -> Incident:
        """A record of one of the tables in `kind.KINDS`, in any of the vendor's shapes."""
        alert = table == kind.ALERT
        return Incident(
            reference=self.reference(table, query.sys_id(value(record, "sys_id")), record),
            title=value(record, "short_description") or value(record, "description").partition("\n")[0],
            description=value(record, "description"),
            state=self.state(table, record),
            priority=number(record, "severity" if alert else "priority"),
            urgency=number(record, "urgency"),
            impact=number(record, "impact"),
            ci=shown(record, "cmdb_ci") or value(record, "node"),
            service=shown(record, "business_service"),
            group=shown(record, "assignment_group"),
            category=value(record, "type" if alert else "category"),
            subcategory=value(record, "subcategory"),
            caller=shown(record, "source" if alert else "caller_id"),
            opened_at=moment(record, "initial_remote_time" if alert else "opened_at")
            or moment(record, "sys_created_on"),
            updated_at=moment(record, "sys_updated_on"),
            version=count(record, "sys_mod_count"),
            item=_item(record),
            agreements=_agreements(record),
            links=links(record, self._settings.links),
            data=dict(record),
        )

    def reference(self, table: str, identifier: str, record: Record) -> Reference:
        return reference(self._connection, table, identifier, record, self._settings.base_url)

    def _pushed(self, delivery: Delivery, body: dict[str, Any]) -> tuple[Event, ...]:
        save = _save(body, body, delivery.received_at)
        if save.operation == "insert" and save.table in kind.KINDS:
            return self._opened(save, save.at, save.by)
        return (self._event(save, self._type(save), save.count),)

    def _polled(self, delivery: Delivery, body: dict[str, Any]) -> tuple[Event, ...]:
        """A record as it is now: it was opened once, and is at its last save. What that save did, a record alone does
        not tell."""
        save = _save(body, _record(body), delivery.received_at)
        if save.table in kind.KINDS:
            created = moment(save.record, "sys_created_on") or save.at
            return self._opened(save, created, value(save.record, "sys_created_by"))
        return (self._event(save, self._type(save), save.count),)

    def _opened(self, save: Save, at: datetime, by: str) -> tuple[Event, ...]:
        """The opening, and the save after it that the record is at."""
        opened = self._event(replace(save, operation="insert", at=at, by=by), OPENED, 0)
        if save.count == 0:
            return (opened,)
        return opened, self._event(replace(save, operation="update"), "incident.updated", save.count)

    def _event(self, save: Save, type_: EventType, number: int) -> Event:
        """The event of the record's n-th save. Its view of the incident is the newest that is known."""
        incident = None
        if save.table in kind.KINDS:
            incident = self.incident(save.table, {"sys_id": save.sys_id, **save.record})
            incident = incident.model_copy(update={"version": max(incident.version, save.count)})
        return Event(
            id=f"{save.sys_id}:{number}",
            type=type_,
            vendor_type=f"{save.table}.{save.operation}",
            reference=self._about(save),
            occurred_at=save.at,
            incident=incident,
            actor=save.by,
            own=bool(save.by) and save.by.casefold() == self._settings.actor.casefold(),
            marker=value(save.body, "note"),
            data=save.body,
        )

    def _type(self, save: Save) -> EventType:
        if save.table == kind.CHANGE or _approves(save):
            return "change.updated"
        if save.table not in kind.KINDS:
            return "other"
        previous = save.body.get("previous")
        before = None
        if isinstance(previous, Mapping) and value(previous, "state"):
            before = self.state(save.table, previous)
        return _update(before, self.state(save.table, save.record))

    def _about(self, save: Save) -> Reference:
        """An approver's answer is news of the change."""
        if _approves(save):
            number = {"number": value(save.record, "sysapproval.number")}
            return self.reference(kind.CHANGE, query.sys_id(value(save.record, "sysapproval")), number)
        return self.reference(save.table, save.sys_id, save.record)

    def state(self, table: str, record: Record) -> IncidentState:
        return kind.state(table, record, self._added.get(table, {}))


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


def _approves(save: Save) -> bool:
    return save.table == kind.APPROVAL and value(save.record, "sysapproval.sys_class_name") == kind.CHANGE


def _update(before: IncidentState | None, after: IncidentState) -> EventType:
    """`before` is None when it was not sent: then what a record is now stands for what happened to it."""
    if before is after:
        return "incident.updated"
    if after is kind.RESOLVED:
        return "incident.resolved"
    if after is kind.CLOSED:
        return "incident.closed"
    if before in kind.ENDED:
        return "incident.reopened"
    if before is kind.OPEN:
        return "incident.acknowledged"
    return "incident.updated"


def _item(record: Record) -> Item:
    return Item(
        kind=value(record, "cmdb_ci.sys_class_name"),
        ip=value(record, "cmdb_ci.ip_address"),
        fqdn=value(record, "cmdb_ci.fqdn"),
        owner=shown(record, "cmdb_ci.support_group"),
        environment=shown(record, "cmdb_ci.environment"),
    )


def _agreements(record: Record) -> tuple[Agreement, ...]:
    """What the record itself says of its service levels; each of them stands in task_sla, which is not asked."""
    breached = value(record, "made_sla") == "false"
    due = moment(record, "sla_due") if value(record, "sla_due")[:1].isdigit() else None  # some write words there
    return (Agreement(name="SLA", breached=breached, due_at=due),) if breached or due else ()


def _save(body: dict[str, Any], told: Record, received_at: datetime) -> Save:
    """`told` holds the system fields: our script sends them beside the record, as they were at the save."""
    table, identifier = query.table(_word(body, "table")), query.sys_id(value(told, "sys_id"))
    record = _record(body)
    if value(record, "sys_id") not in ("", identifier):
        raise Rejected("record.sys_id: is another record's")
    return Save(
        table=table,
        sys_id=identifier,
        count=count(told, "sys_mod_count"),
        operation=value(body, "operation") or "update",
        at=moment(told, "sys_updated_on") or received_at,
        by=value(told, "sys_updated_by"),
        record=record,
        body=body,
    )


def _record(body: dict[str, Any]) -> Record:
    record = body.get("record")
    if not isinstance(record, Mapping):
        raise Rejected("record: expected an object of fields")
    return record


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
