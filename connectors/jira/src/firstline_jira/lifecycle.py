"""A change's statuses as states, and the next step of its workflow. Pure.

Statuses differ by site. Those that Jira Service Management's own change workflow uses, and close spellings, are known
by name; a setting names the others; the rest go by their category, and an unnamed status in the middle is no state at
all: a change in it is never taken for one that may run.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from firstline.connector import ChangeState, ChangeType
from firstline.errors import Rejected
from firstline_jira import transition as transitions
from firstline_jira.issue import category, named

Tree = dict[str, Any]
Result = Literal["successful", "successful_issues", "unsuccessful"]

NAMES: dict[ChangeState, tuple[str, ...]] = {
    "new": ("planning", "open", "to do", "draft", "new", "requested"),
    "assess": ("peer review / change manager approval", "under review", "peer review", "assess"),
    "authorize": (
        "awaiting cab approval",
        "awaiting approval",
        "waiting for approval",
        "pending approval",
        "authorize",
    ),
    "scheduled": ("awaiting implementation", "scheduled", "approved", "authorized", "ready to implement"),
    "implement": ("implementing", "in progress", "implementation", "implement", "work in progress"),
    "review": ("post implementation review", "post-implementation review", "review", "in review"),
    "closed": ("completed", "done", "closed", "failed", "resolved", "rolled back"),
    "canceled": ("canceled", "cancelled", "declined", "rejected"),
}
ORDER: tuple[ChangeState, ...] = get_args(ChangeState)
ENDED: tuple[ChangeState, ...] = ("closed", "canceled")
ASKING: tuple[ChangeState, ...] = ("assess", "authorize")  # somebody has to approve before it leaves these

_KNOWN = {name: state for state, names in NAMES.items() for name in names}
_BY_CATEGORY: dict[str, ChangeState] = {"new": "new", "done": "closed"}
_APPROVAL = re.compile(r"(approved?|authori[sz]ed?)\b")
_PRE_APPROVAL = re.compile(r"(pre|auto)-?\s?approved?\b")  # of what is approved beforehand: a standard change alone
_FAILED = ("fail", "rolled back", "unsuccessful")


class Lifecycle:
    """`named_by_operator` holds the settings' status names."""

    def __init__(self, named_by_operator: Mapping[str, ChangeState]) -> None:
        self._names = _KNOWN | {name.casefold(): state for name, state in named_by_operator.items()}

    def state(self, status: Any) -> ChangeState | None:
        """The state of a status as Jira sends it; None when it is neither named nor at an end of the workflow."""
        name = named(status, "status").casefold()
        return self._names.get(name) or _BY_CATEGORY.get(category({"status": status}))

    def step(
        self,
        offered: Sequence[Tree],
        current: ChangeState | None,
        to: ChangeState,
        result: Result | None = None,
        kind: ChangeType | None = None,
    ) -> Tree:
        """The transition to take next: straight to the state, else the one that comes nearest to it without going past;
        never one by which the change would be approved, nor one that asks for approval on the way elsewhere. What has
        no `result` was not done, and is not closed through `implement`.

        Raises `Rejected`, saying what is offered."""
        ours = [t for t in offered if not self._approves(t, current, kind)]
        straight = [t for t in ours if self.state(t.get("to")) == to]
        if straight:
            return min(straight, key=lambda t: _ends_badly(t) != (result == "unsuccessful"))
        ahead = [t for t in ours if current is not None and self._lies_between(t, current, to, result)]
        if not ahead:
            raise Rejected(
                f"the change can't be moved from {current or 'its status'} to {to}: the workflow offers "
                f"{transitions.offered(offered)}. Statuses with other names go in change.statuses"
            )
        return max(ahead, key=lambda t: ORDER.index(self.state(t.get("to")) or "new"))

    def asking(self, offered: Sequence[Tree], strict: bool, wanted: str) -> Tree:
        """The transition to a status that asks for approval: the one an operator named (by itself or its status), else
        one to `authorize` for what is `strict`, to `assess` for all else, else the other.

        Raises `Rejected`, saying what is offered."""
        ways = [t for t in offered if self.asks(t)]
        if wanted:
            ways = [t for t in ways if wanted.casefold() in (transitions.label(t).casefold(), _target(t))]
        if not ways:
            what = f"{wanted!r}, which change.asks names," if wanted else "a status that asks for approval"
            raise Rejected(
                f"the workflow offers no way to {what} from here; it offers {transitions.offered(offered)}. A status "
                "that asks under another name goes in change.statuses as assess or authorize"
            )
        first = "authorize" if strict else "assess"
        return min(ways, key=lambda t: self.state(t.get("to")) != first)

    def asks(self, transition: Tree) -> bool:
        """Whether it leads to a status in which somebody is asked for approval."""
        return self.state(transition.get("to")) in ASKING

    def _approves(self, transition: Tree, current: ChangeState | None, kind: ChangeType | None) -> bool:
        """Whether taking it would be to approve: it says so, or leads to a status that does. Towards a status that
        asks, the same words ask, unless it leaves one that asks."""
        if self.asks(transition) and current not in ASKING:
            return False
        words = (transitions.label(transition).casefold(), _target(transition))
        pre = kind != "standard" and any(_PRE_APPROVAL.match(word) for word in words)
        return pre or any(_APPROVAL.match(word) for word in words)

    def _lies_between(self, transition: Tree, current: ChangeState, to: ChangeState, result: Result | None) -> bool:
        found = self.state(transition.get("to"))
        if found is None or found in ASKING or to == "canceled":
            return False
        if to == "closed" and found != "review" and result is None:
            return False
        return ORDER.index(current) < ORDER.index(found) < ORDER.index(to)


def is_past(current: ChangeState | None, to: ChangeState) -> bool:
    """Whether a change that is open has the state behind it, so that nothing is left to do."""
    return current is not None and current not in ENDED and ORDER.index(current) > ORDER.index(to)


def _target(transition: Tree) -> str:
    return transitions.target(transition).casefold()


def _ends_badly(transition: Tree) -> bool:
    return any(word in _target(transition) for word in _FAILED)
