"""Who is asked to approve a change, and what an answer does.

One row of sysapproval_approver for each approver. Only the approver, or a delegate of theirs, may answer; nobody is
asked about a change of their own."""

from firstline_servicenow.sandbox.fault import Fault
from firstline_servicenow.sandbox.model import NEW, Model
from firstline_servicenow.sandbox.store import Row, Store

TABLE = "sysapproval_approver"
ROLE = "approver_user"


def ask(store: Store, change: Row) -> None:
    for person in list(store.rows("sys_user").values()):
        if ROLE in person["roles"].split(",") and person["sys_id"] not in _own(change):
            entry = {"sysapproval": change["sys_id"], "approver": person["sys_id"], "state": "requested"}
            store.insert(TABLE, entry | {"source_table": "change_request"}, "system")


def asked(store: Store, change: Row, by: str) -> Row:
    """The open row that this user may answer. Raises what the vendor's access rule says to anybody else."""
    for entry in store.among(TABLE, "sysapproval", change["sys_id"]):
        if entry["state"] == "requested" and by in answerers(store, entry):
            return entry
    raise Fault(403, "Not an approver", f"{by} was not asked to approve {change['number']}")


def answerers(store: Store, entry: Row) -> list[str]:
    """The user names of those who may answer: the approver, and whom they delegated approvals to."""
    delegates = [d["delegate"] for d in store.among("sys_user_delegate", "user", entry["approver"])]
    change = store.get("change_request", entry["sysapproval"]) or {}
    people = [store.get("sys_user", who) for who in (entry["approver"], *delegates) if who not in _own(change)]
    return [person["user_name"] for person in people if person]


def decide(store: Store, entry: Row, answer: Row, by: str, model: Model, quorum: int) -> None:
    """Save an answer. Enough approvals lead the change on, one refusal back to New; then nobody else is waited for."""
    change = store.get("change_request", entry["sysapproval"])
    if change is None or change["approval"] != "requested" or entry["state"] != "requested":
        raise Fault(400, "Nothing to approve", "This approval is not waiting for an answer")
    if answer.get("state") not in ("approved", "rejected"):
        raise Fault(403, "Operation Failed", "An approval is approved or rejected")
    store.update(TABLE, entry, {"state": answer["state"], "comments": answer.get("comments", "")}, by)
    approved = [e for e in store.among(TABLE, "sysapproval", change["sys_id"]) if e["state"] == "approved"]
    if answer["state"] == "approved" and len(approved) < quorum:
        return
    drop(store, change, "not_required")
    state = model.approved if answer["state"] == "approved" else NEW
    after = {"approval": answer["state"], "state": state, "approval_set": store.now()}
    store.update("change_request", change, after, by)


def drop(store: Store, change: Row, state: str) -> None:
    """Nobody is waited for any more."""
    for entry in list(store.among(TABLE, "sysapproval", change["sys_id"])):
        if entry["state"] == "requested":
            store.update(TABLE, entry, {"state": state}, "system")


def _own(change: Row) -> set[str]:
    return {change.get("requested_by", ""), change.get("opened_by", "")} - {""}
