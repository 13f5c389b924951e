from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firstline.errors import Rejected
from firstline.expression.conjunct import conjuncts
from firstline.incident import Event, Incident, Reference
from firstline.mapping import CompiledMapping, Matcher, Packs, explain
from firstline.mapping.compile import Clause
from firstline.mapping.condition import condition
from firstline.mapping.model import MappingDeclaration
from firstline.mapping.variable import SCOPE, values


@pytest.mark.parametrize(
    ("text", "path", "literals"),
    [
        ("incident.service == 'a'", "incident.service", ("a",)),
        ('"a" == incident.service', "incident.service", ("a",)),
        ("incident.service == r'\\a' ", "incident.service", ("\\a",)),
        ("incident.service == '\\u00e9'", "incident.service", ("é",)),
        ("incident.service in ['a', \"b\"]", "incident.service", ("a", "b")),
        ("incident.data.host.name == 'a'", "incident.data.host.name", ("a",)),
        ("incident.priority == 1", "incident.priority", (1,)),
        ("incident.priority in [1, 2,]", "incident.priority", (1, 2)),
    ],
)
def test_a_condition_that_can_be_looked_up_is_recognised(text: str, path: str, literals: tuple[object, ...]) -> None:
    found = condition(text, SCOPE)
    assert found is not None
    assert (found.path, found.literals) == (path, literals)


@pytest.mark.parametrize(
    "text",
    [
        "incident.service != 'a'",
        "!(incident.service == 'a')",
        "incident.service == 'a' || true",
        "incident.service == 'a' + 'b'",
        "incident.service == incident.ci",
        "(incident.service == 'a') == false",
        "'a' in incident.data",
        "incident.service in []",
        "incident.data.x == ['a']",
        "incident.data.x == 1",
        "incident.data.x == true",
        "incident.data['x'] == 'a'",
        "incident.service == 'a' ? true : false",
        "['a'].exists(x, x == 'a')",
    ],
)
def test_anything_else_is_evaluated(text: str) -> None:
    assert condition(text, SCOPE) is None


REFERENCE = Reference(connection="snow", kind="incident", id="1")
TEXTS = ["", "a", "b", "A", "a\0b", "é"]
words = st.sampled_from(TEXTS)
levels = st.none() | st.integers(1, 3)
records = st.fixed_dictionaries(
    {},
    optional={
        "x": words | st.none() | st.integers(0, 2) | st.booleans() | st.just([1]),
        "h": st.just("a") | st.fixed_dictionaries({"n": words}),
    },
)
events = st.builds(
    lambda kind, record, own, **fields: Event(
        id="e",
        type=kind,
        reference=REFERENCE,
        occurred_at=datetime(2026, 1, 1, tzinfo=UTC),
        own=own,
        incident=Incident(reference=REFERENCE, data=record, **fields),
    ),
    kind=st.sampled_from(["incident.opened", "incident.reopened"]),
    record=records,
    own=st.booleans(),
    service=words,
    ci=words,
    priority=levels,
)
literals = st.sampled_from(["''", "'a'", "'b'", '"A"', "'\\u00e9'", "r'a'"])
paths = st.sampled_from(["incident.service", "incident.ci", "incident.data.x", "incident.data.h.n", "environment"])
clauses = st.one_of(
    st.tuples(paths, literals).map(" == ".join),
    st.tuples(literals, paths).map(" == ".join),
    st.tuples(paths, st.lists(literals, max_size=3)).map(lambda parts: f"{parts[0]} in [{', '.join(parts[1])}]"),
    st.integers(1, 3).map("incident.priority == {}".format),
    st.lists(st.integers(1, 3), min_size=1, max_size=3).map("incident.priority in {}".format),
    st.sampled_from(
        [
            "incident.priority <= 2",
            "incident.data.x == 1",
            "incident.service != 'a'",
            "true",
            "incident.data.x == ['a']",
        ]
    ),
    st.tuples(paths, literals, paths, literals).map(lambda parts: "{} == {} || {} == {}".format(*parts)),
)
conditions = st.lists(clauses, min_size=1, max_size=3).map(lambda parts: " && ".join(parts))
declarations = st.lists(
    st.tuples(
        conditions,
        st.sampled_from([("incident.opened",), ("incident.reopened",), ("incident.opened", "incident.reopened")]),
    ),
    max_size=12,
)


def compiled(number: int, when: str, on: tuple[Any, ...], basis: CompiledMapping) -> CompiledMapping:
    declared = MappingDeclaration(id=f"m{number}", when=when, on=on, runbook="fix")
    parts = tuple(Clause(SCOPE.compile(part.text), condition(part.text, SCOPE)) for part in conjuncts(when))
    return CompiledMapping("p", f"f:{number}:1", declared, basis.runbook, parts, basis.inputs, None)


def scanned(mappings: list[CompiledMapping], event: Event) -> list[str]:
    """The mappings that match, by evaluating every whole condition."""
    bindings = SCOPE.bind(values(event, "a"))

    def holds(mapping: CompiledMapping) -> bool:
        try:
            return SCOPE.compile(mapping.declaration.when).test(bindings)
        except Rejected:
            return False

    return [
        mapping.name
        for mapping in mappings
        if not event.own and event.type in mapping.declaration.on and holds(mapping)
    ]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(declared=declarations, event=events)
def test_the_index_finds_what_a_full_scan_finds(basis: CompiledMapping, declared: list[Any], event: Event) -> None:
    mappings = [compiled(number, when, on, basis) for number, (when, on) in enumerate(declared)]
    matcher = Matcher(mappings)
    decision = matcher.decide(event, environment="a")
    expected = scanned(mappings, event)
    found = [decision.mapping, *decision.shadowed] if decision.mapping else []
    assert found == expected
    told = [trace.mapping for trace in explain(matcher, event, environment="a").mappings if trace.verdict != "failed"]
    assert told == expected
    assert len(decision.traces) + decision.passed_over == len(mappings)


@pytest.fixture
def basis(write: Callable[..., Packs]) -> CompiledMapping:
    (mapping,) = write("  - {id: a, when: 'true', runbook: fix, inputs: {app: a}}\n").mappings
    return mapping


def evaluated(matcher: Matcher, event: Event) -> int:
    return len(matcher.mappings) - matcher.decide(event, environment="a").passed_over


def test_thousands_of_mappings_cost_the_evaluations_of_ten(basis: CompiledMapping) -> None:
    reference = REFERENCE
    event = Event(
        id="e",
        type="incident.opened",
        reference=reference,
        occurred_at=datetime(2026, 1, 1, tzinfo=UTC),
        incident=Incident(reference=reference, service="s7", ci="common"),
    )
    when = "incident.ci == 'common' && incident.service == 's{}'"
    ten, many = (
        Matcher([compiled(number, when.format(number), ("incident.opened",), basis) for number in range(count)])
        for count in (10, 2_000)
    )
    assert evaluated(ten, event) == evaluated(many, event) == 1
