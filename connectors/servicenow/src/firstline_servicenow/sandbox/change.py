"""What a change request's own rules do on a save: the state model, who is asked, fields that may change in New only."""

from firstline_servicenow.sandbox import approval
from firstline_servicenow.sandbox.fault import Fault
from firstline_servicenow.sandbox.model import CANCELED, CLOSED, IMPLEMENT, NEW, REVIEW, SCHEDULED, Model
from firstline_servicenow.sandbox.store import Row, Store

_MANDATORY = {"close_code": "Close code", "close_notes": "Close notes"}
_READ_ONLY = ("sys_id", "number", "approval", "sys_mod_count", "type")


def inserted(store: Store, values: Row, by: str) -> Row:
    user = store.first("sys_user", "user_name", by)
    who = user["sys_id"] if user else ""
    opened = {"opened_at": store.now(), "opened_by": who, "requested_by": who}
    return opened | {name: value for name, value in values.items() if name not in ("state", "approval")}


def update(store: Store, row: Row, values: Row, by: str, model: Model, *, refuses: bool = False) -> bool:
    """Save what may be saved. A transition that is not allowed saves nothing, and nobody is told; `refuses`: or it is
    refused, as by instances with a rule of their own."""
    values = {name: value for name, value in values.items() if name not in _READ_ONLY}
    if row["state"] != NEW:
        values.pop("cmdb_ci", None)
    state = values.get("state", row["state"])
    if state != row["state"]:
        if row["on_hold"] == "true" or state not in model.ways.get(row["state"], ()):
            if refuses:
                raise Fault(403, "Operation Failed", "Operation aborted by Business Rule 'State model'")
            return False
        _policy(state, row | values)
        values |= _entered(store, row, state, values, model)
    saved = store.update("change_request", row, values, by)
    if saved and row["approval"] == "requested" and "approval" in values:
        approval.ask(store, row)
    return saved


def _entered(store: Store, row: Row, state: str, values: Row, model: Model) -> Row:
    """What goes with entering a state."""
    if state in model.asks:
        return {"approval": "requested"}
    if state == NEW:
        approval.drop(store, row, "cancelled")
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


def _policy(state: str, after: Row) -> None:
    missing = [label for name, label in _MANDATORY.items() if not after.get(name)]
    if state == CLOSED and missing:
        told = "; ".join(f"{label} is mandatory" for label in missing)
        raise Fault(400, "Operation Failed", f"Data Policy Exception: {told}")
