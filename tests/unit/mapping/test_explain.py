from collections.abc import Callable

from firstline.incident import Event
from firstline.mapping import Explanation, Matcher, Packs, explain

MAPPINGS = """\
  - {id: web, when: 'incident.service == "web"', runbook: fix, inputs: {app: a}}
  - {id: late, "on": [incident.closed], when: 'true', runbook: fix, inputs: {app: a}}
  - {id: urgent, when: 'incident.service == "shop" && incident.priority <= 2', runbook: fix, inputs: {app: a}}
  - {id: shop, when: 'incident.service == "shop"', runbook: fix, inputs: {app: a}}
  - {id: rest, when: 'true', runbook: look, inputs: {app: a}}
"""


def test_every_mapping_says_which_clause_failed(write: Callable[..., Packs], event: Callable[..., Event]) -> None:
    explanation = explain(Matcher(write(MAPPINGS).mappings), event(), environment="prod")
    assert [(trace.mapping, trace.verdict) for trace in explanation.mappings] == [
        ("shop/web", "failed"),
        ("shop/late", "failed"),
        ("shop/urgent", "failed"),
        ("shop/shop", "matched"),
        ("shop/rest", "shadowed"),
    ]
    last = [(trace.clauses[-1].text, trace.clauses[-1].verdict) for trace in explanation.mappings]
    assert last[:3] == [
        ('incident.service == "web"', "false"),
        ("on: [incident.closed]", "false"),
        ("incident.priority <= 2", "error"),
    ]
    assert explanation.decision.mapping == "shop/shop"


def test_an_explanation_survives_json(write: Callable[..., Packs], event: Callable[..., Event]) -> None:
    explanation = explain(Matcher(write(MAPPINGS).mappings), event(own=True), environment="prod")
    assert Explanation.model_validate_json(explanation.model_dump_json()) == explanation
    assert {trace.verdict for trace in explanation.mappings} == {"failed"}
