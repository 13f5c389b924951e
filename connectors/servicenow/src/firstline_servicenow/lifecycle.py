"""The states of a change request and the way from one to another. Pure.

Values and paths: ServiceNow, Change Management, "State model and transitions". Tenants can change the paths with change
models, so a way is a first guess: what the instance offers (`nextstates`) decides.
"""

from collections.abc import Collection

from firstline.connector import Approval, ChangeState
from firstline_servicenow.record import Record, value

NEW, ASSESS, AUTHORIZE, SCHEDULED, IMPLEMENT, REVIEW, CLOSED, CANCELED = "-5", "-4", "-3", "-2", "-1", "0", "3", "4"

VALUES: dict[ChangeState, str] = {
    "new": NEW,
    "assess": ASSESS,
    "authorize": AUTHORIZE,
    "scheduled": SCHEDULED,
    "implement": IMPLEMENT,
    "review": REVIEW,
    "closed": CLOSED,
    "canceled": CANCELED,
}
ORDER = (NEW, ASSESS, AUTHORIZE, SCHEDULED, IMPLEMENT, REVIEW, CLOSED)
_SKIPPED = {"standard": {ASSESS, AUTHORIZE}, "emergency": {ASSESS}}


def way(change_type: str, now: str, target: str) -> tuple[str, ...]:
    """The states to write, one after the other; empty when there is no way forward."""
    if target == CANCELED:
        return () if now in (REVIEW, CLOSED, CANCELED) else (CANCELED,)
    path = [state for state in ORDER if state not in _SKIPPED.get(change_type, set())]
    if now not in path or target not in path:
        return ()
    return tuple(path[path.index(now) + 1 : path.index(target) + 1])


def ahead(offered: Collection[str], now: str, target: str) -> str:
    """Of the offered states the one nearest to the target that is not beyond it; empty when none is."""
    if target in offered and target != now:
        return target
    if now not in ORDER or target not in ORDER:
        return ""
    between = ORDER[ORDER.index(now) + 1 : ORDER.index(target)]
    return next((state for state in reversed(between) if state in offered), "")


def pending(record: Record) -> bool:
    """True while somebody's approval decides what becomes of the change, and after it was refused."""
    asked = value(record, "approval")
    among_approvers = value(record, "state") in (ASSESS, AUTHORIZE)
    return asked in ("requested", "rejected") or (among_approvers and asked != "approved")


def awaits(record: Record, step: str) -> bool:
    """True when only somebody's approval may bring the change to this step. Leaving Assess or Authorize is the
    approvers' doing, also where our account would be let."""
    return step != CANCELED and pending(record)


def approval(record: Record) -> Approval:
    """Where the approval stands, from the change's own `approval` field; who gave it is asked elsewhere."""
    match value(record, "approval"):
        case "approved":
            return Approval(state="approved")
        case "rejected":
            return Approval(state="refused")
        case "not requested" | "not_required" | "" if _unneeded(record):
            return Approval(state="not_required")
        case _:
            return Approval(state="waiting")


def _unneeded(record: Record) -> bool:
    """Nobody is asked about a standard change, or about one that got past authorization without being asked."""
    past = value(record, "state") in (SCHEDULED, IMPLEMENT, REVIEW, CLOSED)
    return past or value(record, "type") == "standard"
