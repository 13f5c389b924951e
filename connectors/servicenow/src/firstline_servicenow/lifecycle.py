"""The states of a change request and the way from one to another. Pure.

Values and paths: ServiceNow, Change Management, "State model and transitions". Tenants change the paths, and add
states, with change models, so a way is a first guess: what the instance offers (`nextstates`) decides.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from firstline.connector import ChangeState
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
ORDER: tuple[ChangeState, ...] = ("new", "assess", "authorize", "scheduled", "implement", "review", "closed")
AMONG_APPROVERS = ("assess", "authorize")
_SKIPPED: dict[str, set[ChangeState]] = {"standard": {"assess", "authorize"}, "emergency": {"assess"}}
_MEANINGS: dict[str, ChangeState] = {code: state for state, code in VALUES.items()}


@dataclass(frozen=True)
class Lifecycle:
    """`added`: what states mean that the tenant's change models have beside the base system's."""

    added: Mapping[str, ChangeState] = field(default_factory=dict)

    def meaning(self, code: str) -> ChangeState | None:
        return self.added.get(code) or _MEANINGS.get(code)

    def state(self, record: Record) -> ChangeState | None:
        """None: a state that nobody explained."""
        return self.meaning(value(record, "state"))

    def codes(self, *states: ChangeState) -> list[str]:
        """The values that mean these states."""
        return [code for code in {**_MEANINGS, **self.added} if self.meaning(code) in states]

    def way(self, record: Record, target: ChangeState) -> tuple[str, ...]:
        """The states to write, one after the other; empty when the base system has no way forward. An emergency that
        is not approved goes where it is offered: whether it may run first is the instance's to say."""
        now, kind = self.state(record), value(record, "type")
        if target == "canceled":
            return () if now in ("review", "closed", "canceled") else (CANCELED,)
        path = [state for state in ORDER if state not in _SKIPPED.get(kind, set())]
        if now not in path or target not in path:
            return ()
        if kind == "emergency" and (now == "new" or self.pending(record)):
            return ()
        return tuple(VALUES[state] for state in path[path.index(now) + 1 : path.index(target) + 1])

    def ahead(self, offered: Collection[str], now: ChangeState | None, target: ChangeState) -> str:
        """Of the offered states the one nearest to the target that is not beyond it; empty when none is. A state that
        means what the present one means may lie on the way."""
        exact = [code for code in offered if self.meaning(code) == target]
        if exact or now not in ORDER or target not in ORDER:
            return min(exact, default="")
        near = {code: ORDER.index(means) for code in offered if (means := self.meaning(code)) in ORDER}
        between = [code for code, rank in near.items() if ORDER.index(now) <= rank < ORDER.index(target)]
        return max(between, key=lambda code: (near[code], code), default="")

    def pending(self, record: Record) -> bool:
        """True while somebody's approval decides what becomes of the change, and after it was refused."""
        asked = value(record, "approval")
        return asked in ("requested", "rejected") or (self.state(record) in AMONG_APPROVERS and asked != "approved")

    def awaits(self, record: Record, step: str) -> bool:
        """True when only somebody's approval may bring the change to this step. Leaving Assess or Authorize is the
        approvers' doing, also where our account would be let. An emergency that the instance lets run first is the
        exception, until it is refused."""
        if self.meaning(step) == "canceled" or self.state(record) in ("implement", "review"):
            return False  # what is under way is brought to its end
        if value(record, "type") == "emergency":
            return value(record, "approval") == "rejected"
        return self.pending(record)

    def asking(self, record: Record) -> tuple[ChangeState, ...]:
        """The states in which approval is asked for, the usual one first."""
        return ("authorize", "assess") if value(record, "type") == "emergency" else ("assess", "authorize")
