"""What the other tasks' own rules do on a save: what has ended is no longer active."""

from firstline_servicenow.sandbox.store import Row, Store

_ENDED = {"sc_task": ("3", "4", "7"), "change_task": ("3", "4"), "problem": ("107",)}


def updated(store: Store, table: str, row: Row, values: Row) -> Row:
    state = values.get("state", row.get("state", ""))
    if table not in _ENDED or state == row["state"]:
        return values
    if state in _ENDED[table]:
        return values | {"active": "false", "closed_at": store.now()}
    return values | {"active": "true", "closed_at": ""}
