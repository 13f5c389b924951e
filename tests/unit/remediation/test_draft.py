"""The change request of a plan."""

from tests.unit.remediation.conftest import MakePlan

from firstline.incident import Incident
from firstline.remediation.plan import Asks, draft


def test_a_change_binds_the_plan_it_was_filed_for(make_plan: MakePlan, incident: Incident) -> None:
    plan = make_plan(change_reason="this version is not pre-approved")
    made = draft(plan, incident, "k", tried=False, guards=("freeze",), url="https://hub/r/1")
    assert f"Plan: {plan.digest}." in made.description
    assert "Type: this version is not pre-approved." in made.description
    assert "followed at https://hub/r/1" in made.description
    assert made.implementation_plan.startswith(f"Plan {plan.digest}\n")


def test_who_has_to_let_it_go_stands_in_the_justification(make_plan: MakePlan, incident: Incident) -> None:
    asks = make_plan(mode="approve", asks=Asks(by=("sre-core",), count=2))
    assert "\nNeeds the word of 2 of sre-core." in draft(asks, incident, "k", tried=False).justification
    anyone = make_plan(mode="approve")
    assert "\nNeeds the word of 1 of those who may approve." in draft(anyone, incident, "k", tried=False).justification


def test_who_let_it_go_stands_there_instead(make_plan: MakePlan, incident: Incident) -> None:
    told = draft(make_plan(mode="approve"), incident, "k", tried=False, approved_by="ann, ben").justification
    assert "\nLet go by ann, ben." in told
    assert "Needs the word" not in told


def test_what_runs_by_itself_names_its_mapping_and_mode_alone(make_plan: MakePlan, incident: Incident) -> None:
    told = draft(make_plan(), incident, "k", tried=False).justification
    assert told.endswith("Matched by shop/web-hung, which works in mode auto.")
