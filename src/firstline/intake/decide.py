"""From an event to a decision, and to the plan it leads to. No I/O: what it needs was loaded before."""

from dataclasses import dataclass

import structlog

from firstline.errors import FirstlineError
from firstline.incident import Event
from firstline.mapping import Decision, Matcher
from firstline.remediation.plan import Plan
from firstline.runbook import Runbook, resolve

log = structlog.get_logger()


@dataclass(frozen=True)
class Declarations:
    """The users' files as they are now: a matcher over all mappings, and the runbooks by pack and id."""

    matcher: Matcher
    runbooks: dict[tuple[str, str], Runbook]


@dataclass
class Decided:
    event: Event
    connection: str
    decision: Decision | None = None  # None: an event that is never matched (our own echo, no incident)
    plan: Plan | None = None
    reason: str = ""
    url: str = ""
    expires: float = 0.0


class Decider:
    """`declarations` is replaced whole when the users' files change; a mistake in them leaves the last good ones."""

    def __init__(self, declarations: Declarations, environment: str, register: str, url: str, expires: float) -> None:
        self.declarations = declarations
        self._environment = environment
        self._register = register
        self._url = url
        self._expires = expires

    def decide(self, event: Event, connection: str) -> Decided:
        decided = Decided(event, connection, url=self._url, expires=self._expires)
        if event.own or event.incident is None:
            return decided
        try:
            decided.decision = self.declarations.matcher.decide(event, environment=self._environment)
            if decided.decision.outcome == "matched" and decided.decision.mode != "observe":
                decided.plan = self._plan(decided.decision)
        except FirstlineError as error:
            decided.reason = str(error)
        except Exception as error:  # a defect in one decision must not hold the next event
            log.exception("decide.defect", event=event.id)
            decided.reason = f"a defect of Firstline: {type(error).__name__}: {error}"
        return decided

    def _plan(self, decision: Decision) -> Plan:
        resolved = resolve(self.declarations.runbooks[decision.pack, decision.runbook], decision.inputs)
        changes = resolved.change is not None
        return Plan(
            mapping=decision.mapping,
            mode=decision.mode,
            environment=self._environment,
            runbook=resolved,
            change_register=self._register if changes else "",
            resolve=changes if decision.resolve is None else decision.resolve,
            escalate=decision.escalate,
        )
