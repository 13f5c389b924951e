"""From an event to a decision, and to the plan it leads to. No I/O: what it needs was loaded before."""

from dataclasses import dataclass
from datetime import datetime

import structlog

from firstline.errors import FirstlineError, Rejected
from firstline.incident import OPENED, Event
from firstline.intake.sight import ENDED, Known, key_of
from firstline.mapping import Decision, Matcher
from firstline.remediation import fault
from firstline.remediation.autonomy import mode
from firstline.remediation.autonomy.policy import Policy
from firstline.remediation.note.template import Notes
from firstline.remediation.plan import Plan
from firstline.remediation.planning.planner import Surroundings, plan
from firstline.runbook import Runbook
from firstline.store.table import now

log = structlog.get_logger()


# Events of an incident that is still a fault: when it is over, there is nothing to mend.
_OF_A_FAULT = frozenset(
    {OPENED, "incident.updated", "incident.acknowledged", "incident.reopened", "incident.escalated"}
)


@dataclass(frozen=True)
class Declarations:
    """The users' files as they are now: a matcher over all mappings, and the runbooks by pack and id."""

    matcher: Matcher
    runbooks: dict[tuple[str, str], Runbook]


@dataclass
class Decided:
    event: Event
    connection: str
    late: float = 0.0  # seconds from the happening to its delivery
    decision: Decision | None = None  # None: an event that is never matched (our own echo, no incident)
    plan: Plan | None = None
    faults: tuple[str, ...] = ()  # the names of what is broken
    reason: str = ""
    url: str = ""
    expires: float = 0.0
    notes: Notes | None = None


class Decider:
    """`declarations` is replaced whole when the users' files change; a mistake in them leaves the last good ones."""

    def __init__(
        self,
        declarations: Declarations,
        where: Surroundings,
        url: str = "",
        expires: float = 0.0,
        notes: Notes | None = None,
    ) -> None:
        self.declarations = declarations
        self.where = where
        self._url = url
        self._expires = expires
        self._notes = notes

    def decide(self, event: Event, connection: str, known: Known, received_at: datetime, policy: Policy) -> Decided:
        late = max(0.0, (received_at - event.occurred_at).total_seconds())
        decided = Decided(event, connection, late, url=self._url, expires=self._expires, notes=self._notes)
        if event.own or event.incident is None:
            return decided
        try:
            decision = self.declarations.matcher.decide(event, environment=self.where.environment)
            counted = self._counted(decision, policy)
            decided.decision = held = _held_back(counted, event, known, now())
            if held.outcome == "matched" and held.mode != "observe":
                self._plan(decided, decision, event, policy)
        except FirstlineError as error:
            decided.reason = str(error)
        except Exception as error:  # a defect in one decision must not hold the next event
            log.exception("decide.defect", event_id=event.id)
            decided.reason = f"a defect of Firstline: {type(error).__name__}: {error}"
        return decided

    def _counted(self, decision: Decision, policy: Policy) -> Decision:
        """The decision in the mode that counts: people, and the hub itself, give and take more than files declare."""
        if decision.outcome != "matched":
            return decision
        moved = policy.modes.get((decision.mapping, self.where.environment))
        runbook = self.declarations.runbooks[decision.pack, decision.runbook]
        found = mode.counting(decision.mode, moved, runbook, earned=self.where.earned, digest=decision.digest)
        why = f"mode {found.mode}, not {decision.mode} as declared: {found.why}" if found.why else decision.reason
        return decision.model_copy(update={"mode": found.mode, "reason": why})

    def _plan(self, decided: Decided, declared: Decision, event: Event, policy: Policy) -> None:
        runbook = self.declarations.runbooks[declared.pack, declared.runbook]
        decided.plan = plan(declared, runbook, event, self.where, policy)
        if event.incident is not None:
            decided.faults = fault.names(event.incident, self.where.connectors, declared.correlate)

    def plan_for(self, event: Event, policy: Policy) -> Plan:
        """The plan that an event would get now. Raises `Rejected` when it gets none."""
        decision = self.declarations.matcher.decide(event, environment=self.where.environment)
        if decision.outcome != "matched":
            raise Rejected(decision.reason)
        return plan(decision, self.declarations.runbooks[decision.pack, decision.runbook], event, self.where, policy)

    def plan_again(self, event: Event, mapping: str, policy: Policy) -> Plan:
        """The plan that the mapping would make now for an event it once matched. Raises `Rejected` when there is none
        any more."""
        decision = self.declarations.matcher.apply(mapping, event, environment=self.where.environment)
        if decision.outcome != "matched":
            raise Rejected(decision.reason)
        return plan(decision, self.declarations.runbooks[decision.pack, decision.runbook], event, self.where, policy)


def _held_back(decision: Decision, event: Event, known: Known, at: datetime) -> Decision:
    """The decision, observed only where the moment has passed: the news is old, or the fault is over by now."""
    if decision.outcome != "matched" or decision.mode == "observe":
        return decision
    age = (at - event.occurred_at).total_seconds()
    if age > decision.max_age:
        why = f"known {lasting(age)} after it happened; {decision.mapping} acts within {lasting(decision.max_age)}"
    elif event.type in _OF_A_FAULT and _is_over(event, known):
        why = "the incident is resolved by now"
    else:
        return decision
    return decision.model_copy(update={"mode": "observe", "reason": f"only observed: {why}"})


def _is_over(event: Event, known: Known) -> bool:
    """By the newest that is known: the event's own view of the incident, or a later one that came before it."""
    if event.incident is None:
        return False
    key = key_of(event)
    seen = known.newest.get(key) if key else None
    newest = seen.state if seen and seen.version > event.incident.version else event.incident.state
    return newest in ENDED


def lasting(seconds: float) -> str:
    """A duration for people: 42 s, 15 min, 3 h, 2 d."""
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size or (seconds >= size and seconds % size == 0):
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
