"""What to write so that an incident gets into a state, and whether it got there. Pure.

`acknowledged` is In Progress; On Hold counts as acknowledged, and what has ended is left alone. `escalated` raises the
urgency to 1 and leaves the impact alone: how soon is ours to say when a fix failed, how many are hit is not. The
vendor's own `escalation` field belongs to its SLA engine.
"""

from collections.abc import Mapping

from firstline.connector import StateChange
from firstline.errors import Rejected
from firstline_servicenow.journal import harmless, shortened
from firstline_servicenow.record import Record, shown, value
from firstline_servicenow.translate import ENDED, IN_PROGRESS, NEW, RESOLVED

FIELDS = ("sys_id", "number", "state", "urgency", "close_code")
REASON_LIMIT = 4_000  # characters in close_notes

_LIKELY = {
    "state": "a data policy, a business rule, or an access rule (ACL) on incident.state",
    "urgency": "an access rule (ACL) on incident.urgency",
    "close_code": "a close code that is no choice of incident.close_code; set `close_code` of the connection",
}


def there(record: Record, change: StateChange) -> bool:
    """True when nothing need be written."""
    now = value(record, "state")
    match change.to:
        case "acknowledged":
            return now != NEW
        case "resolved":
            return now in ENDED
        case "reopened":
            return now not in ENDED
        case "escalated":
            return value(record, "urgency") == "1"


def writes(change: StateChange, close_code: str) -> dict[str, str]:
    """The fields to write."""
    reason = shortened(harmless(change.reason), REASON_LIMIT)
    if change.to == "resolved":
        notes = reason or "Resolved by Firstline."
        return {"state": RESOLVED, "close_code": close_code, "close_notes": notes}
    note = {"work_notes": reason} if reason else {}
    return {**({"urgency": "1"} if change.to == "escalated" else {"state": IN_PROGRESS}), **note}


def confirm(record: Record, wanted: Mapping[str, str]) -> None:
    """Raise `Rejected`, naming the field and the likely rule, when the record is not as it was written."""
    for name in ("state", "urgency", "close_code"):
        if name in wanted and value(record, name) != wanted[name]:
            raise Rejected(
                f"ServiceNow took the update of {value(record, 'number')} and left {name} at "
                f"{shown(record, name)!r} instead of {wanted[name]!r}. Likely: {_LIKELY[name]}"
            )
