"""What to write so that a record has the priority and the fields that are wanted. Pure."""

from firstline.connector import Update
from firstline.errors import Rejected
from firstline_servicenow import kind
from firstline_servicenow.query import FIELD
from firstline_servicenow.record import Record, number

# The base system's priority lookup (dl_u_priority): (impact, urgency) by priority. An instance may have others; what
# came of it is read back.
_LEVELS = {
    1: ((1, 1),),
    2: ((1, 2), (2, 1)),
    3: ((2, 2), (1, 3), (3, 1)),
    4: ((2, 3), (3, 2)),
    5: ((3, 3),),
}
_NOT_OURS = frozenset({"approval", "number", "work_notes", "comments"})  # notes are written by their key, once
_LOOKED_UP = ("incident", "problem")  # their priority follows from impact and urgency, and can't be written


def wanted(table: str, update: Update) -> dict[str, str]:
    """What the record has when it is done."""
    kind.kind(table)
    if update.status:
        raise Rejected("ServiceNow has no status updates for stakeholders; write a public note")
    for name in update.fields:
        if not FIELD.fullmatch(name) or "." in name or name.startswith("sys_") or name in _NOT_OURS:
            raise Rejected(f"{name[:80]!r} can't be set: it is no field of a {table}, or not ours to set")
    if update.priority is None:
        return update.fields
    if table == kind.ALERT:
        raise Rejected("an alert's severity is what its events say; it can't be set")
    return {**update.fields, "priority": str(update.priority)}


def writes(table: str, record: Record, want: dict[str, str]) -> dict[str, str]:
    """The fields to write for it. Impact and urgency change as little as the priority lets them."""
    if "priority" not in want or table not in _LOOKED_UP:
        return want
    impact, urgency = number(record, "impact") or 3, number(record, "urgency") or 3
    pairs = _LEVELS[int(want["priority"])]
    near = min(pairs, key=lambda pair: (abs(pair[0] - impact), abs(pair[1] - urgency)))
    rest = {name: text for name, text in want.items() if name != "priority"}
    return {**rest, "impact": str(near[0]), "urgency": str(near[1])}
