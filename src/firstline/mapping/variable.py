"""What a mapping's expressions may use, and the values an event gives them."""

from datetime import UTC, datetime

from firstline.declaration import Json
from firstline.expression import Scope, Type
from firstline.incident import Event, Incident, Reference
from firstline.mapping.host import host

_TEXTS = ("title", "description", "state", "ci", "service", "group", "category", "subcategory", "caller")
_NUMBERS = ("priority", "urgency", "impact")
_TIMES = ("opened_at", "updated_at")
_ITEM = ("kind", "ip", "fqdn", "owner", "environment")
_REFERENCE = ("connection", "kind", "id", "number", "url")
_EVENT = ("id", "type", "vendor_type", "actor", "occurred_at")

# A level may be null, which CEL's int can't be.
VARIABLES: dict[str, Type] = {
    **{f"incident.{name}": "string" for name in (*_TEXTS, *_TIMES)},
    **{f"incident.{name}": "any" for name in _NUMBERS},
    **{f"incident.reference.{name}": "string" for name in _REFERENCE},
    **{f"incident.item.{name}": "string" for name in _ITEM},
    "incident.host": "string",
    "incident.agreements": "any",
    "incident.data": "map",
    **{f"event.{name}": "string" for name in _EVENT},
    "event.data": "map",
    "connection": "string",
    "environment": "string",
}
NUMBERS = frozenset(f"incident.{name}" for name in _NUMBERS)


SCOPE = Scope(VARIABLES)


def values(event: Event, environment: str) -> dict[str, Json]:
    """By the names of `VARIABLES`. An event without an incident gives none of the incident's: a condition on them fails
    with words instead of being held against emptiness."""
    found: dict[str, Json] = {
        **{f"event.{name}": str(getattr(event, name)) for name in _EVENT},
        "event.occurred_at": _time(event.occurred_at),
        "event.data": event.data,
        "environment": environment,
    }
    reference = event.reference or (event.incident and event.incident.reference)
    if reference:
        found["connection"] = reference.connection
    return found | (_incident(event.incident) if event.incident else {})


def reference_key(reference: Reference) -> str:
    """The default of `dedupe`."""
    return f"{reference.connection}:{reference.kind}:{reference.id}"


def _incident(incident: Incident) -> dict[str, Json]:
    return {
        **{f"incident.{name}": str(getattr(incident, name)) for name in _TEXTS},
        **{f"incident.{name}": getattr(incident, name) for name in _NUMBERS},
        **{f"incident.{name}": _time(getattr(incident, name)) for name in _TIMES},
        **{f"incident.reference.{name}": getattr(incident.reference, name) for name in _REFERENCE},
        **{f"incident.item.{name}": getattr(incident.item, name) for name in _ITEM},
        "incident.host": host(incident),
        "incident.agreements": [agreement.model_dump(mode="json") for agreement in incident.agreements],
        "incident.data": incident.data,
    }


def _time(moment: datetime | None) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else ""
