"""What to write so that a record gets into a state, and whether it got there. Pure.

`acknowledged` is In Progress, or its like; On Hold counts as acknowledged, and what has ended is left alone.
`escalated` raises the urgency to 1 and leaves the impact alone: how soon is ours to say when a fix failed, how many are
hit is not. The vendor's own `escalation` field belongs to its SLA engine."""

from collections.abc import Mapping

from firstline.connector import StateChange
from firstline.errors import Rejected
from firstline.incident import IncidentState
from firstline_servicenow import kind
from firstline_servicenow.journal import harmless, shortened
from firstline_servicenow.record import Record, shown, value
from firstline_servicenow.settings import ServiceNowSettings, TableName

FIELDS = ("sys_id", "number", "state", "active", "acknowledged", "urgency")
REASON_LIMIT = 4_000  # characters in close_notes

_LIKELY = {
    "state": "a data policy, a business rule, or an access rule (ACL) on the field",
    "close_code": "a close code that is no choice of incident.close_code; set `close_code` of the connection",
    "priority": "the instance's own priority lookup rules (dl_u_priority), or an access rule (ACL)",
}
_USUAL = "an access rule (ACL), a read-only field of the dictionary, or a business rule; or there is no such field"


def there(record: Record, now: IncidentState, change: StateChange) -> bool:
    """True when nothing need be written. Not for `reassigned`: that hangs on who it is."""
    match change.to:
        case "acknowledged":
            return now is not kind.OPEN
        case "resolved":
            return now in kind.ENDED
        case "reopened":
            return now not in kind.ENDED
        case "escalated":
            return value(record, "urgency") == "1"
        case _:
            return False


def writes(table: str, change: StateChange, settings: ServiceNowSettings) -> dict[str, str]:
    """The fields to write."""
    reason = shortened(harmless(change.reason), REASON_LIMIT)
    known = kind.kind(table)
    match change.to:
        case "resolved":
            code = {"close_code": settings.close_code} if table == "incident" else {}
            fields = {**known.resolve, **code, **_own(settings.resolve, table)}
        case "escalated":
            fields = {"urgency": "1", **noted(reason)}
        case "acknowledged":
            fields = {**known.acknowledge, **noted(reason), **_own(settings.acknowledge, table)}
        case _:
            fields = {**known.reopen, **noted(reason)}
    told = reason or "Resolved by Firstline."
    return {name: text.replace(kind.REASON, told) for name, text in fields.items()}


def noted(reason: str) -> dict[str, str]:
    return {"work_notes": reason} if reason else {}


def confirm(record: Record, wanted: Mapping[str, str]) -> None:
    """Raise `Rejected`, naming the field and the likely rule, when the record is not as it was written. Notes are not
    compared: they read empty, or are laid out anew."""
    for name, text in wanted.items():
        now = (value(record, name).strip(), shown(record, name).strip())
        if not name.endswith(("notes", "comments")) and text.strip() not in now:
            raise Rejected(
                f"ServiceNow took the update of {value(record, 'number')} and left {name} at "
                f"{shown(record, name)!r} instead of {text!r}. Likely: {_LIKELY.get(name, _USUAL)}"
            )


def _own(fields: Mapping[TableName, Mapping[str, str]], table: str) -> Mapping[str, str]:
    return {str(name): more for name, more in fields.items()}.get(table, {})
