"""What a change request's own rules do on a save: the state model, approvals, fields that may change in New only.

Base system: Change Management, "State model and transitions" (the legacy model)."""

from firstline_servicenow.sandbox.fault import Fault
from firstline_servicenow.sandbox.store import Row, Store

NEW, ASSESS, AUTHORIZE, SCHEDULED, IMPLEMENT, REVIEW, CLOSED, CANCELED = "-5", "-4", "-3", "-2", "-1", "0", "3", "4"

_STANDARD = {
    NEW: (SCHEDULED, CANCELED),
    SCHEDULED: (IMPLEMENT, CANCELED),
    IMPLEMENT: (REVIEW, CANCELED),
    REVIEW: (CLOSED,),
}
# Out of Assess and Authorize a change goes by its approvals, and by nobody's hand.
_WAYS = {
    "standard": _STANDARD,
    "normal": _STANDARD | {NEW: (ASSESS, CANCELED), ASSESS: (NEW, CANCELED), AUTHORIZE: (CANCELED,)},
    "emergency": _STANDARD | {NEW: (AUTHORIZE, CANCELED), AUTHORIZE: (NEW, CANCELED)},
}
_MANDATORY = {"close_code": "Close code", "close_notes": "Close notes"}
_READ_ONLY = ("sys_id", "number", "approval", "sys_mod_count", "type")


def ways(row: Row) -> tuple[str, ...]:
    """The states the change can go to now."""
    return _WAYS[row["type"]].get(row["state"], ())


def inserted(store: Store, values: Row, by: str) -> Row:
    user = store.first("sys_user", "user_name", by)
    who = user["sys_id"] if user else ""
    opened = {"opened_at": store.now(), "opened_by": who, "requested_by": who}
    return opened | {name: value for name, value in values.items() if name not in ("state", "approval")}


def update(store: Store, row: Row, values: Row, by: str) -> bool:
    """Save what may be saved. A transition that is not allowed saves nothing, and nobody is told."""
    values = {name: value for name, value in values.items() if name not in _READ_ONLY}
    if row["state"] != NEW:
        values.pop("cmdb_ci", None)
    state = values.get("state", row["state"])
    if state != row["state"]:
        if state not in ways(row):
            return False
        _policy(state, row | values)
        values |= _entered(store, row, state, values)
    saved = store.update("change_request", row, values, by)
    if saved and row["approval"] == "requested" and "approval" in values:
        _ask(store, row)
    return saved


def decide(store: Store, row: Row, approved: bool, by: str, comment: str) -> None:
    """An approver's answer. One approval stands for all that are asked for, the CAB's too; a refusal sends the change
    back to New."""
    if row["approval"] != "requested":
        raise Fault(400, "Nothing to approve", f"{row['number']} is not waiting for approval")
    told = "approved" if approved else "rejected"
    for entry in list(store.among("sysapproval_approver", "sysapproval", row["sys_id"])):
        person = store.get("sys_user", entry["approver"])
        if entry["state"] == "requested" and person and person["user_name"] == by:
            store.update("sysapproval_approver", entry, {"state": told, "comments": comment}, by)
            break
    else:
        raise Fault(403, "Not an approver", f"{by} was not asked to approve {row['number']}")
    after = {"approval": told, "state": SCHEDULED if approved else NEW, "approval_set": store.now()}
    store.update("change_request", row, after, by)


def _entered(store: Store, row: Row, state: str, values: Row) -> Row:
    """What goes with entering a state."""
    if state in (ASSESS, AUTHORIZE):
        return {"approval": "requested"}
    if state == NEW:
        return {"approval": "not requested"}
    if state == SCHEDULED and row["type"] == "standard":
        return {"approval": "approved"}
    if state == IMPLEMENT and not (row["work_start"] or values.get("work_start")):
        return {"work_start": store.now()}
    if state == REVIEW and not (row["work_end"] or values.get("work_end")):
        return {"work_end": store.now()}
    if state in (CLOSED, CANCELED):
        return {"closed_at": store.now(), "active": "false"}
    return {}


def _ask(store: Store, row: Row) -> None:
    for person in [user for user in store.rows("sys_user").values() if "approver_user" in user["roles"].split(",")]:
        entry = {"sysapproval": row["sys_id"], "approver": person["sys_id"], "state": "requested"}
        store.insert("sysapproval_approver", entry | {"source_table": "change_request"}, "system")


def _policy(state: str, after: Row) -> None:
    missing = [label for name, label in _MANDATORY.items() if not after.get(name)]
    if state == CLOSED and missing:
        told = "; ".join(f"{label} is mandatory" for label in missing)
        raise Fault(400, "Operation Failed", f"Data Policy Exception: {told}")
