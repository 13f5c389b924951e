"""The states of a change in Firstline's own register: those of ServiceNow's change types, and as strict."""

from collections.abc import Mapping
from typing import Final

from firstline.connector import ChangeState, ChangeType, Evidence
from firstline.errors import Rejected

PATHS: Final[Mapping[ChangeType, tuple[ChangeState, ...]]] = {
    "standard": ("new", "scheduled", "implement", "review", "closed"),
    "normal": ("new", "assess", "authorize", "scheduled", "implement", "review", "closed"),
    "emergency": ("new", "authorize", "scheduled", "implement", "review", "closed"),
}
ENDED: Final = frozenset({"closed", "canceled"})
_CANCELABLE = frozenset({"new", "assess", "authorize", "scheduled", "implement"})
_BEFORE_APPROVAL = frozenset({"new", "assess", "authorize"})


def way(type_: ChangeType, state: ChangeState, to: ChangeState) -> tuple[ChangeState, ...]:
    """The states a change goes through to reach `to`, that one included; empty: it is there. Raises `Rejected` where no
    way leads there."""
    if state == to:
        return ()
    there = offered(type_, state)
    if to not in there:
        raise Rejected(
            f"a {type_} change in {state} does not go to {to}; from there it goes to {', '.join(there) or 'nothing'}"
        )
    return (to,) if to == "canceled" else there[: there.index(to) + 1]


def offered(type_: ChangeType, state: ChangeState) -> tuple[ChangeState, ...]:
    """All states that lie before a change."""
    path = PATHS[type_]
    ahead = path[path.index(state) + 1 :] if state in path else ()
    return (*ahead, "canceled") if state in _CANCELABLE else ahead


def demand_approval(type_: ChangeType, state: ChangeState, to: ChangeState, approval: str, *, run_first: bool) -> None:
    """Raises `Rejected` where a change would leave those who decide about it before they let it go. `run_first`: an
    emergency need not wait for them, until they refuse."""
    if state not in _BEFORE_APPROVAL or to in _BEFORE_APPROVAL or to == "canceled":
        return
    if approval == "refused":
        raise Rejected(f"the change was refused; it stays in {state}, and can be canceled")
    if approval == "waiting" and not (type_ == "emergency" and run_first):
        raise Rejected(f"the change waits for somebody's approval; it stays in {state}")


def demand_result(to: ChangeState, evidence: Evidence) -> None:
    """Raises `Rejected` where a change would be closed without saying how it ended."""
    if to == "closed" and (evidence.result is None or not evidence.notes.strip()):
        raise Rejected("a change is closed with its result, and with notes that say how it went")
