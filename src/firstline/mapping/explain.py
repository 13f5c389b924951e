"""Says of every mapping why it matches an event or does not."""

from firstline.incident import Event
from firstline.mapping.compile import CompiledMapping
from firstline.mapping.decision import ClauseVerdict, Decision, Trace, Value
from firstline.mapping.match import Evaluation, Matcher, holds, trace


class Explanation(Value):
    decision: Decision
    mappings: tuple[Trace, ...]


def explain(matcher: Matcher, event: Event, *, environment: str) -> Explanation:
    """The decision as it is made in production, and the whole trace that production saves itself."""
    evaluation = Evaluation(matcher.bind(event, environment))
    found: list[Trace] = []
    first = True
    for mapping in matcher.mappings:
        clauses = _type(mapping, event) or evaluation.clauses(mapping)
        found.append(trace(mapping, clauses, first=first))
        first = first and not holds(clauses)
    return Explanation(decision=matcher.decide(event, environment=environment), mappings=tuple(found))


def _type(mapping: CompiledMapping, event: Event) -> tuple[ClauseVerdict, ...]:
    """The clause that fails because of the event's type or origin, if one does."""
    if event.own:
        return (ClauseVerdict(text="not an echo of our own write", verdict="false"),)
    if event.type in mapping.declaration.on:
        return ()
    return (ClauseVerdict(text=f"on: [{', '.join(mapping.declaration.on)}]", verdict="false"),)
