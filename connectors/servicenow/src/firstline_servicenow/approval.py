"""Where a change's approval stands, and who gave it.

The change's own field `approval` says where it stands; the rows of sysapproval_approver say of whom it waits and who
decided. A row names the approver who was asked; where a delegate answered, the row was saved by the delegate, and it is
the delegate who decided."""

from collections.abc import Iterator, Sequence

from firstline.connector import Approval
from firstline.errors import Rejected
from firstline_servicenow import kind, query
from firstline_servicenow.lifecycle import AMONG_APPROVERS, Lifecycle
from firstline_servicenow.record import Record, shown, value
from firstline_servicenow.table import Found, Table

ROWS = 100  # of one change; one that asks more people names the first
_FIELDS = ("sys_id", "approver", "approver.user_name", "approver.email", "state", "sys_updated_by")
_BY_ITSELF = frozenset({"", "system", "guest"})  # a row that the instance's own rules saved last
_WANTED = {"approved": "approved", "refused": "rejected", "waiting": "requested"}


class Approvals:
    def __init__(self, table: Table, lifecycle: Lifecycle) -> None:
        self._table = table
        self._lifecycle = lifecycle

    async def of(self, sys_id: str, change: Record) -> Approval:
        """Nobody is asked about a standard change: its template was approved."""
        stands = stand(change, self._lifecycle)
        if stands.state == "not_required" or value(change, "type") == "standard":
            return stands
        where = query.where(("sysapproval", "=", sys_id), ("state", "=", _WANTED[stands.state]))
        found = await self._table.find(kind.APPROVAL, where, _FIELDS, ROWS)
        if stands.state != "waiting":
            _demand_readable(change, found)
        names = [_name(row) for row in found.rows]
        accounts = [] if stands.state == "waiting" else [name for row in found.rows for name in _accounts(row)]
        return stands.model_copy(
            update={
                "by": tuple(dict.fromkeys(name for name in names if name)),
                "accounts": tuple(dict.fromkeys(accounts)),
                "comment": self._unasked(change, stands, found) or await self._comment(stands, found.rows),
            }
        )

    def _unasked(self, change: Record, stands: Approval, found: Found) -> str:
        """A change may wait for ever when no policy finds it an approver."""
        if found.total or stands.state != "waiting" or self._lifecycle.state(change) not in AMONG_APPROVERS:
            return ""
        number = value(change, "number")
        return f"{number} has no approver: has it an assignment group, and does an approval policy fit it?"

    async def _comment(self, stands: Approval, rows: Sequence[Record]) -> str:
        """The last thing that those who decided wrote. A journal field reads empty on its record."""
        entries = ",".join(value(row, "sys_id") for row in rows)
        if stands.state == "waiting" or not entries:
            return ""
        where = query.where(("element_id", "IN", entries), ("element", "=", "comments"))
        found = await self._table.find("sys_journal_field", f"{where}^ORDERBYDESCsys_created_on", ("value",), 1)
        return next((value(row, "value") for row in found.rows), "")


def stand(change: Record, lifecycle: Lifecycle) -> Approval:
    """By the change's own `approval` field. Nobody is asked about a standard change, or about one that got past
    authorization without being asked."""
    match value(change, "approval"):
        case "approved":
            return Approval(state="approved")
        case "rejected":
            return Approval(state="refused")
        case "not requested" | "not_required" | "" if _unneeded(change, lifecycle):
            return Approval(state="not_required")
        case _:
            return Approval(state="waiting")


def _unneeded(change: Record, lifecycle: Lifecycle) -> bool:
    past = lifecycle.state(change) in ("scheduled", "implement", "review", "closed")
    return past or value(change, "type") == "standard"


def _demand_readable(change: Record, found: Found) -> None:
    """Who decided must be known: four eyes hang on it."""
    if found.total > len(found.rows) and not found.more:
        raise Rejected(
            f"who decided about {value(change, 'number')} can't be told: an access rule hides rows of {kind.APPROVAL}; "
            "let the account read them"
        )


def _name(row: Record) -> str:
    asked, delegate = shown(row, "approver"), _delegate(row)
    return f"{delegate} for {asked}" if delegate else asked


def _accounts(row: Record) -> Iterator[str]:
    """All that the instance names the one who decided by."""
    if delegate := _delegate(row):
        yield delegate
        return
    for name in ("approver.user_name", "approver.email", "approver"):
        if value(row, name):
            yield value(row, name)


def _delegate(row: Record) -> str:
    """The user name of who answered in the approver's place; empty: the approver did."""
    saved_by = value(row, "sys_updated_by")
    if saved_by in _BY_ITSELF or saved_by.casefold() == value(row, "approver.user_name").casefold():
        return ""
    return saved_by
