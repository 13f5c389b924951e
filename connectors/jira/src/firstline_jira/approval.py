"""Where a change's approval stands: by Jira Service Management's own approvals, or, where an issue has none, by who
moved it on. Pure."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from firstline.connector import Approval, ChangeState, ChangeType
from firstline_jira.lifecycle import ASKING
from firstline_jira.shape import instant, rows, tree

Tree = Mapping[str, Any]
Kind = ChangeType | None  # None: a change of a type that nobody explained, which is treated like a normal one

_ACCOUNTS = ("accountId", "name", "key", "emailAddress")
_AFTER: tuple[ChangeState, ...] = ("scheduled", "implement", "review", "closed")


def of_request(approvals: Sequence[Tree], state: ChangeState | None, kind: Kind) -> Approval:
    """Pending beats decided, the last decision beats earlier ones. An approval does not outlast the change's return to
    planning, a refusal does. A status that asks for approval without naming approvers waits as well."""
    found = sorted(approvals, key=_created)
    pending = [approval for approval in found if approval.get("finalDecision") == "pending"]
    if pending:
        return Approval(state="waiting", by=_names(_people(pending, "pending")))
    if state == "canceled" or _final(found[-1:]) == ["declined"]:
        return _decided("refused", _people(found[-1:], "declined"))
    if state in ASKING:
        return Approval(state="waiting")
    given = _given(found)
    if given and state not in ("new", None):
        return _decided("approved", _people(given, "approved"))
    return unasked(state, kind)


def of_issue(
    histories: Sequence[Tree],
    stands_for: Callable[[str, str], ChangeState | None],
    state: ChangeState | None,
    kind: Kind,
) -> Approval:
    """`stands_for` tells the state of a status by its id and name. Who moved the change on from a status that asks, or
    past it, has decided; but for an emergency, which may go to `implement` without."""
    if state in ASKING:
        return Approval(state="waiting")
    by: list[Tree] = []
    for history in sorted(histories, key=lambda row: str(row.get("created"))):
        items = rows(history.get("items"), "changelog.items")
        for move in (row for row in items if str(row.get("field")).casefold() == "status"):
            before, after = (stands_for(str(move.get(end)), str(move.get(f"{end}String"))) for end in ("from", "to"))
            if _decides(before, after, kind):
                by = [tree(history.get("author"), "changelog.author")]
            elif after in ("new", *ASKING):
                by = []
    if state == "canceled":
        return _decided("refused", by)
    return _decided("approved", by) if by and state not in ("new", None) else unasked(state, kind)


def has_passed(state: ChangeState | None, kind: Kind) -> bool:
    """Whether it is where only an approved change should be."""
    return state in _AFTER and kind != "standard"


def unasked(state: ChangeState | None, kind: Kind) -> Approval:
    """Of a change that nobody was asked about: all but a standard one have to be, before they are planned."""
    waits = state in ("new", None) and kind != "standard"
    return Approval(state="waiting" if waits else "not_required")


def _decides(before: ChangeState | None, after: ChangeState | None, kind: Kind) -> bool:
    if before in ASKING:
        return after in _AFTER or after == "canceled"
    if before != "new" or kind == "standard":
        return False
    return after == "scheduled" if kind == "emergency" else after in _AFTER


def _given(approvals: Sequence[Tree]) -> list[Tree]:
    """Those approved since the last refusal."""
    since = max((n for n, decision in enumerate(_final(approvals), 1) if decision == "declined"), default=0)
    return [approval for approval in approvals[since:] if approval.get("finalDecision") == "approved"]


def _final(approvals: Sequence[Tree]) -> list[str]:
    return [str(approval.get("finalDecision", "")) for approval in approvals]


def _people(approvals: Sequence[Tree], decision: str) -> list[Tree]:
    found = [row for approval in approvals for row in rows(approval.get("approvers"), "approval.approvers")]
    return [tree(row.get("approver"), "approver") for row in found if row.get("approverDecision") == decision]


def _decided(state: Any, people: Sequence[Tree]) -> Approval:
    accounts = [str(person[key]) for person in people for key in _ACCOUNTS if person.get(key)]
    return Approval(state=state, by=_names(people), accounts=tuple(dict.fromkeys(accounts)))


def _names(people: Sequence[Tree]) -> tuple[str, ...]:
    names = [next((str(p[key]) for key in ("displayName", *_ACCOUNTS) if p.get(key)), "") for p in people]
    return tuple(dict.fromkeys(name for name in names if name))


def _created(approval: Tree) -> datetime:
    written = tree(approval.get("createdDate"), "approval.createdDate").get("epochMillis")
    return instant(written, "approval.createdDate.epochMillis") or datetime.fromtimestamp(0, UTC)
