"""What an incident's own rules do on a save: priority, reopening, read-only when closed.

Base system: Incident Management, "Incident states", and the priority lookup of impact and urgency."""

from firstline_servicenow.sandbox.store import Row, Store

_PRIORITY = {("1", "1"): "1", ("1", "2"): "2", ("2", "1"): "2", ("1", "3"): "3", ("2", "2"): "3", ("3", "1"): "3"}
_LOW = {("2", "3"): "4", ("3", "2"): "4", ("3", "3"): "5"}
_RESOLVED, _CLOSED, _CANCELED = "6", "7", "8"


def inserted(store: Store, values: Row, by: str) -> Row:
    """The values to insert a new incident with."""
    user = store.first("sys_user", "user_name", by)
    opened = {"opened_at": store.now(), "opened_by": user["sys_id"] if user else ""}
    state = values.get("state") or values.get("incident_state") or "1"
    values = opened | values | {"state": state, "incident_state": state}
    return values | {"priority": _priority(values.get("impact", "3"), values.get("urgency", "3"))}


def updated(store: Store, row: Row, values: Row, admin: bool, by: str) -> Row:
    """The values that an update may write. A closed incident is read-only for all but administrators, who are not told
    either: the fields are left out."""
    if row["state"] == _CLOSED and not admin:
        return {}
    values = {name: value for name, value in values.items() if name not in ("priority", "number", "sys_id")}
    state = values.get("state", values.get("incident_state", row["state"]))
    after = row | values
    values |= {"state": state, "incident_state": state}
    values["priority"] = _priority(after["impact"], after["urgency"])
    return values | _ended(store, row, state, by)


def _ended(store: Store, row: Row, state: str, by: str) -> Row:
    if state == row["state"]:
        return {}
    user = store.first("sys_user", "user_name", by)
    who = user["sys_id"] if user else by
    if state == _RESOLVED:
        return {"resolved_at": store.now(), "resolved_by": who}
    if state in (_CLOSED, _CANCELED):
        return {"closed_at": store.now(), "closed_by": who, "active": "false"}
    if row["state"] in (_RESOLVED, _CLOSED, _CANCELED):
        count = str(int(row["reopen_count"] or 0) + 1)
        return {"reopen_count": count, "resolved_at": "", "resolved_by": "", "closed_at": "", "active": "true"}
    return {}


def _priority(impact: str, urgency: str) -> str:
    return (_PRIORITY | _LOW).get((impact, urgency), "4")
