from collections.abc import Callable
from typing import Any

import pytest

from firstline.declaration import Json
from firstline.incident import Event
from firstline.mapping import Decision, Matcher, Packs
from firstline.mapping.match import TRACE_LIMIT

Write = Callable[..., Packs]
Make = Callable[..., Event]


def mapping(id: str, when: str = "true", *, app: str = "shop", runbook: str = "fix", more: str = "") -> str:  # noqa: A002
    text = f"  - id: {id}\n    when: {when}\n    runbook: {runbook}\n    inputs: {{app: {app!r}}}\n"
    return text + (f"    {more}\n" if more else "")


@pytest.fixture
def decide(write: Write, event: Make) -> Callable[..., Decision]:
    """Decides an event over mappings; both as the fixtures `write` and `event` take them."""

    def decide(mappings: str, *, environment: str = "prod", **given: Any) -> Decision:
        packs = write(mappings)
        assert packs.errors == []
        return Matcher(packs.mappings).decide(event(**given), environment=environment)

    return decide


Decide = Callable[..., Decision]


def test_the_first_mapping_that_matches_gets_the_incident(decide: Decide) -> None:
    decision = decide(
        mapping("a", "incident.service == 'web'") + mapping("b") + mapping("c", runbook="look") + mapping("d")
    )
    assert (decision.outcome, decision.mapping, decision.pack, decision.runbook) == ("matched", "shop/b", "shop", "fix")
    assert decision.shadowed == ("shop/c", "shop/d")
    assert decision.event == "e1"
    assert decision.environment == "prod"


def test_nothing_matches_and_it_is_told_why(decide: Decide) -> None:
    decision = decide(mapping("a", "incident.title != '' && incident.title.contains('slow') && true"))
    assert (decision.outcome, decision.mapping, decision.reason) == ("nothing", "", "no mapping matches")
    (trace,) = decision.traces
    assert (trace.mapping, trace.verdict) == ("shop/a", "failed")
    assert trace.place.endswith("mapping.yaml:2:9")
    assert [(clause.text, clause.verdict) for clause in trace.clauses] == [
        ("incident.title != ''", "true"),
        ("incident.title.contains('slow')", "false"),
    ]


def test_a_clause_that_cant_be_computed_fails_and_says_so(decide: Decide) -> None:
    decision = decide(mapping("a", "incident.priority <= 2"))
    (clause,) = decision.traces[0].clauses
    assert decision.outcome == "nothing"
    assert (clause.verdict, clause.error) == ("error", "<= can't be applied to (null, int)")


def test_a_missing_key_of_the_record_is_no_match(decide: Decide) -> None:
    when = "incident.data.host.name == 'web-1'"
    assert decide(mapping("a", when), data={"host": {"name": "web-1"}}).outcome == "matched"
    hosts: list[Json] = [{}, None, "web-1", {"name": 1}, [1]]
    for record in ({}, *({"host": host} for host in hosts)):
        assert decide(mapping("a", when), data=record).outcome == "nothing"


def test_only_the_types_it_asks_for_reach_a_mapping(decide: Decide) -> None:
    both = mapping("a", more="on: [incident.opened, incident.reopened]")
    assert decide(both, type="incident.reopened").outcome == "matched"
    assert decide(mapping("a"), type="incident.reopened").outcome == "nothing"
    assert decide(mapping("a")).outcome == "matched"


def test_an_echo_of_our_own_write_matches_nothing(decide: Decide) -> None:
    decision = decide(mapping("a"), own=True)
    assert (decision.outcome, decision.reason) == ("nothing", "the echo of our own write")


def test_an_event_without_an_incident_matches_only_what_asks_for_none(decide: Decide) -> None:
    assert decide(mapping("a", "incident.title != 'x'"), incident=None).traces[0].clauses[0].error == (
        "incident.title has no value here"
    )
    assert decide(mapping("a", "connection == 'snow'"), incident=None).outcome == "matched"


def test_the_mode_is_that_of_the_environment(decide: Decide) -> None:
    text = mapping("a", more="mode: {default: approve, staging: auto}")
    assert decide(text, environment="staging").mode == "auto"
    assert decide(text, environment="prod").mode == "approve"
    assert decide(mapping("a", more="mode: suggest")).mode == "suggest"
    assert decide(mapping("a")).mode == "observe"


def test_the_environment_can_be_a_condition(decide: Decide) -> None:
    assert decide(mapping("a", "environment == 'prod'")).outcome == "matched"
    assert decide(mapping("a", "environment == 'prod'"), environment="staging").outcome == "nothing"


def test_inputs_keep_their_type_and_defaults_stand_in(decide: Decide) -> None:
    more = "dedupe: x\n  - id: b\n    when: 'true'\n    runbook: fix\n    inputs: {app: a}"
    text = mapping("a", app="${{ incident.service }}-x", more=more).replace(
        "{app:", "{port: '${{ incident.data.port }}', share: 1, dry: true, app:", 1
    )
    assert decide(text, data={"port": 8080.0}).inputs == {"app": "shop-x", "port": 8080, "share": 1.0, "dry": True}
    assert decide(mapping("b")).inputs == {"app": "shop", "port": 80, "share": 0.5, "dry": False}


@pytest.mark.parametrize(
    ("service", "words"),
    [
        ("Shop; rm -rf /", "does not match"),
        ("${{ 1 }}", "does not match"),
        ("x" * 21, "has 21 characters"),
    ],
)
def test_a_value_of_the_ticket_that_does_not_fit_is_an_error_in_words(decide: Decide, service: str, words: str) -> None:
    decision = decide(mapping("a", app="${{ incident.service }}"), service=service)
    assert (decision.outcome, decision.mapping, decision.inputs) == ("error", "shop/a", {})
    assert decision.reason.startswith("shop/a matches, but inputs: app: ")
    assert words in decision.reason


def test_a_value_that_cant_be_computed_is_an_error_in_words(decide: Decide) -> None:
    decision = decide(mapping("a", app="${{ incident.data.host }}"))
    assert decision.outcome == "error"
    assert 'inputs: app: Key not found in map : "host"' in decision.reason


def test_a_null_never_becomes_text(decide: Decide) -> None:
    decision = decide(mapping("a", app="p-${{ incident.priority }}"))
    assert "null is no text" in decision.reason


def test_an_error_is_not_passed_on_to_the_next_mapping(decide: Decide) -> None:
    decision = decide(mapping("a", app="${{ incident.data.host }}") + mapping("b"))
    assert (decision.outcome, decision.mapping, decision.shadowed) == ("error", "shop/a", ("shop/b",))


def test_values_of_a_ticket_are_not_read_as_templates(decide: Decide, write: Write, event: Make) -> None:
    packs = write(mapping("a", more="dedupe: ${{ incident.title }}"))
    decision = Matcher(packs.mappings).decide(event(title="${{ connection }}"), environment="prod")
    assert decision.dedupe == "${{ connection }}"


def test_the_dedupe_key_is_the_reference_unless_declared(decide: Decide) -> None:
    assert decide(mapping("a")).dedupe == "snow:incident:abc"
    assert decide(mapping("a", more="dedupe: web-${{ incident.service }}")).dedupe == "web-shop"


def test_an_empty_dedupe_key_is_an_error_not_one_key_for_all(decide: Decide) -> None:
    decision = decide(mapping("a", more="dedupe: ${{ incident.ci }}"))
    assert (decision.outcome, decision.reason) == ("error", "shop/a matches, but dedupe: the value is empty")


@pytest.mark.parametrize(
    ("runbook", "more", "resolve"),
    [
        ("fix", "", True),
        ("look", "", False),
        ("blind", "", False),
        ("fix", "resolve: false", False),
        ("look", "resolve: true", True),
    ],
)
def test_a_proved_fix_resolves_unless_told_otherwise(decide: Decide, runbook: str, more: str, resolve: bool) -> None:
    assert decide(mapping("a", runbook=runbook, more=more)).resolve is resolve


def test_a_failed_fix_escalates_unless_told_otherwise(decide: Decide) -> None:
    assert decide(mapping("a")).escalate
    assert not decide(mapping("a", more="escalate: false")).escalate


def test_what_the_index_rules_out_is_counted_not_evaluated(decide: Decide) -> None:
    text = "".join(mapping(f"m{n}", f"incident.service == 'svc-{n}'") for n in range(50))
    decision = decide(text + mapping("z"), service="svc-7")
    assert decision.mapping == "shop/m7"
    assert [trace.mapping for trace in decision.traces] == ["shop/m7", "shop/z"]
    assert decision.passed_over == 49


def test_a_decision_keeps_a_bounded_number_of_traces(decide: Decide) -> None:
    text = "".join(mapping(f"m{n}", f"incident.title.contains('{n}')") for n in range(TRACE_LIMIT + 20))
    decision = decide(text + mapping("z"), title="none")
    assert len(decision.traces) == TRACE_LIMIT + 1
    assert decision.traces[-1].mapping == decision.mapping == "shop/z"
    assert decision.omitted == 20


def test_a_decision_survives_json(decide: Decide) -> None:
    decision = decide(mapping("a", "incident.priority <= 2") + mapping("b"))
    assert Decision.model_validate_json(decision.model_dump_json()) == decision


def test_times_and_levels_can_be_compared(decide: Decide) -> None:
    when = "incident.priority in [1, 2] && timestamp(event.occurred_at) > timestamp('2026-01-01T00:00:00Z')"
    assert decide(mapping("a", when), priority=2).outcome == "matched"
    assert decide(mapping("a", when), priority=3).outcome == "nothing"
    assert (
        decide(mapping("a", "event.occurred_at == '2026-01-02T03:04:05Z' && incident.opened_at == ''")).outcome
        == "matched"
    )
