"""Where a change's approval stands, and who gave it.

The change's own field `approval` says where it stands; the rows of sysapproval_approver say of whom it waits and who
decided. A row names the approver who was asked; where a delegate answered, the row was saved by the delegate, and it is
the delegate who decided."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from firstline.connector import Approval
from firstline.errors import Rejected
from firstline_servicenow import kind, query
from firstline_servicenow.lifecycle import AMONG_APPROVERS, Lifecycle
from firstline_servicenow.record import Record, shown, value
from firstline_servicenow.table import Found, Table

ROWS = 100  # of one change; one that asks more people names the first
_FIELDS = ("sys_id", "approver", "approver.user_name", "approver.email", "state", "sys_updated_by")
_PERSON = ("sys_id", "user_name", "email", "name")
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
        if stands.state == "waiting":
            names = [shown(row, "approver") for row in found.rows]
            return stands.model_copy(update={"by": _each(names), "comment": self._unasked(change, found)})
        _demand_readable(change, found)
        delegates = await self._people(found.rows)
        accounts = [name for row in found.rows for name in _accounts(row, delegates)]
        by = _each(_name(row, delegates) for row in found.rows)
        comment = await self._comment(found.rows)
        return stands.model_copy(update={"by": by, "accounts": _each(accounts), "comment": comment})

    def _unasked(self, change: Record, found: Found) -> str:
        """A change may wait for ever when no policy finds it an approver."""
        if found.total or self._lifecycle.state(change) not in AMONG_APPROVERS:
            return ""
        number = value(change, "number")
        return f"{number} has no approver: has it an assignment group, and does an approval policy fit it?"

    async def _people(self, rows: Sequence[Record]) -> dict[str, Record]:
        """By user name, those who answered in an approver's place; one that can't be looked up has no more names."""
        names = ",".join(dict.fromkeys(name for row in rows if (name := _delegate(row))))
        if not query.askable(names):
            return {}
        found = await self._table.find("sys_user", query.where(("user_name", "IN", names)), _PERSON, ROWS)
        return {value(row, "user_name").casefold(): row for row in found.rows}

    async def _comment(self, rows: Sequence[Record]) -> str:
        """The last thing that those who decided wrote. A journal field reads empty on its record."""
        entries = ",".join(value(row, "sys_id") for row in rows)
        if not entries:
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


def _each(names: Iterable[str]) -> tuple[str, ...]:
    """Without what is empty, and each once."""
    return tuple(dict.fromkeys(name for name in names if name))


def _name(row: Record, delegates: Mapping[str, Record]) -> str:
    asked, delegate = shown(row, "approver"), _delegate(row)
    if not delegate:
        return asked
    return f"{value(delegates.get(delegate.casefold(), {}), 'name') or delegate} for {asked}"


def _accounts(row: Record, delegates: Mapping[str, Record]) -> Iterator[str]:
    """All that the instance names the one who decided by, the surest first."""
    if delegate := _delegate(row):
        person = delegates.get(delegate.casefold(), {})
        names = [delegate, value(person, "email"), value(person, "sys_id")]
    else:
        names = [value(row, name) for name in ("approver.user_name", "approver.email", "approver")]
    yield from filter(None, names)


def _delegate(row: Record) -> str:
    """The user name of who answered in the approver's place; empty: the approver did."""
    saved_by = value(row, "sys_updated_by")
    if saved_by in _BY_ITSELF or saved_by.casefold() == value(row, "approver.user_name").casefold():
        return ""
    return saved_by
