"""Decides what an event gets: the first mapping, in order, whose every clause is true."""

from collections.abc import Sequence
from typing import Literal

from firstline.declaration import Json
from firstline.errors import Rejected
from firstline.expression import Bindings, Expression, Template
from firstline.incident import Event
from firstline.mapping import variable
from firstline.mapping.compile import CompiledMapping
from firstline.mapping.decision import ClauseVerdict, Decision, Trace
from firstline.mapping.index import Index
from firstline.runbook import validate

TRACE_LIMIT = 100  # failed mappings that a decision keeps: it is stored with each event


class Matcher:
    """Made once from all mappings, in their order; may be shared by threads."""

    def __init__(self, mappings: Sequence[CompiledMapping]) -> None:
        self.mappings = tuple(mappings)
        self._index = Index(self.mappings)

    def decide(self, event: Event, *, environment: str) -> Decision:
        """Pure, and total: what can't be computed is told in the decision, never raised."""
        basis = Decision(outcome="nothing", event=event.id, environment=environment)
        if event.own:
            return basis.model_copy(update={"reason": "the echo of our own write", "passed_over": len(self.mappings)})
        bindings = self.bind(event, environment)
        numbers = self._index.candidates(event.type, bindings.values)
        evaluation = Evaluation(bindings)
        traces = [(self.mappings[number], evaluation.clauses(self.mappings[number])) for number in numbers]
        matching = [mapping for mapping, clauses in traces if holds(clauses)]
        story = {
            "traces": _kept(traces),
            "omitted": max(len(traces) - len(matching) - TRACE_LIMIT, 0),
            "passed_over": len(self.mappings) - len(numbers),
            "shadowed": tuple(mapping.name for mapping in matching[1:]),
        }
        outcome = act(matching[0], event, environment, bindings) if matching else {"reason": "no mapping matches"}
        return basis.model_copy(update={**story, **outcome})

    def apply(self, mapping: str, event: Event, *, environment: str) -> Decision:
        """What a mapping, by its full name, makes of an event that it once matched, whether it still would."""
        basis = Decision(outcome="error", event=event.id, environment=environment, mapping=mapping)
        found = next((each for each in self.mappings if each.name == mapping), None)
        if found is None:
            return basis.model_copy(update={"reason": f"there is no mapping {mapping} any more"})
        return basis.model_copy(update=act(found, event, environment, self.bind(event, environment)))

    def bind(self, event: Event, environment: str) -> Bindings:
        return variable.SCOPE.bind(variable.values(event, environment))


class Evaluation:
    """Evaluates clauses for one event, each text once: mappings share many."""

    def __init__(self, bindings: Bindings) -> None:
        self._bindings = bindings
        self._verdicts: dict[str, ClauseVerdict] = {}

    def clauses(self, mapping: CompiledMapping) -> tuple[ClauseVerdict, ...]:
        """The verdicts up to the first that is not true."""
        found: list[ClauseVerdict] = []
        for clause in mapping.clauses:
            found.append(self._verdict(clause.expression))
            if found[-1].verdict != "true":
                break
        return tuple(found)

    def _verdict(self, expression: Expression) -> ClauseVerdict:
        known = self._verdicts.get(expression.text)
        if known is None:
            known = self._verdicts[expression.text] = self._evaluate(expression)
        return known

    def _evaluate(self, expression: Expression) -> ClauseVerdict:
        try:
            truth = expression.test(self._bindings)
        except Rejected as error:
            return ClauseVerdict(text=expression.text, verdict="error", error=str(error))
        return ClauseVerdict(text=expression.text, verdict="true" if truth else "false")


def holds(clauses: Sequence[ClauseVerdict]) -> bool:
    return all(clause.verdict == "true" for clause in clauses)


def act(mapping: CompiledMapping, event: Event, environment: str, bindings: Bindings) -> dict[str, object]:
    """What a decision says of the mapping that matched."""
    found: dict[str, object] = {
        "mapping": mapping.name,
        "pack": mapping.pack,
        "runbook": mapping.runbook.id,
        "digest": mapping.digest,
        "mode": mapping.declaration.mode_in(environment),
        "resolve": mapping.resolve,
        "escalate": mapping.declaration.escalate,
        "approval": mapping.declaration.approval,
        "acknowledge": mapping.declaration.acknowledge,
        "max_age": mapping.declaration.max_age,
        "then": mapping.declaration.then,
    }
    try:
        inputs = validate(mapping.runbook.declaration.inputs, _inputs(mapping, bindings))
        names = {"dedupe": _dedupe(mapping, event, bindings), "correlate": _correlate(mapping, bindings)}
        return found | {"outcome": "matched", "inputs": inputs, **names}
    except Rejected as error:
        return found | {"outcome": "error", "reason": f"{mapping.name} matches, but {error}"}


def _inputs(mapping: CompiledMapping, bindings: Bindings) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for name, given in mapping.inputs.items():
        try:
            found[name] = given.evaluate(bindings) if isinstance(given, Template) else given
        except Rejected as error:
            raise Rejected(f"inputs: {name}: {error}") from error
    return found


def _dedupe(mapping: CompiledMapping, event: Event, bindings: Bindings) -> str:
    """Empty is an error: every incident without the value would join one remediation."""
    if mapping.dedupe:
        try:
            found = mapping.dedupe.text(bindings)
        except Rejected as error:
            raise Rejected(f"dedupe: {error}") from error
    else:
        reference = event.incident.reference if event.incident else event.reference
        found = variable.reference_key(reference) if reference else ""
    if not found.strip():
        raise Rejected("dedupe: the value is empty")
    return found


def _correlate(mapping: CompiledMapping, bindings: Bindings) -> str:
    """Empty where the record lacks what the expression asks for: then nothing is the same fault by it."""
    if not mapping.correlate:
        return ""
    try:
        return mapping.correlate.text(bindings).strip()
    except Rejected as error:
        raise Rejected(f"correlate: {error}") from error


def _kept(traces: Sequence[tuple[CompiledMapping, tuple[ClauseVerdict, ...]]]) -> tuple[Trace, ...]:
    kept: list[Trace] = []
    matched = failed = 0
    for mapping, clauses in traces:
        if holds(clauses):
            kept.append(trace(mapping, clauses, first=not matched))
            matched += 1
        elif failed < TRACE_LIMIT:
            kept.append(trace(mapping, clauses, first=False))
            failed += 1
    return tuple(kept)


def trace(mapping: CompiledMapping, clauses: tuple[ClauseVerdict, ...], *, first: bool) -> Trace:
    """`first`: no earlier mapping matched."""
    verdict: Literal["matched", "shadowed", "failed"] = "matched" if first else "shadowed"
    if not holds(clauses):
        verdict = "failed"
    return Trace(mapping=mapping.name, place=mapping.place, verdict=verdict, clauses=clauses)
