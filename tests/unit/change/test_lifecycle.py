import pytest

from firstline.change.lifecycle import PATHS, demand_approval, demand_result, offered, way
from firstline.connector import ChangeState, ChangeType, Evidence
from firstline.errors import Rejected


def test_a_standard_change_skips_those_who_decide() -> None:
    assert way("standard", "new", "implement") == ("scheduled", "implement")


def test_an_emergency_skips_the_assessment_only() -> None:
    assert way("emergency", "new", "scheduled") == ("authorize", "scheduled")


def test_nothing_jumps_from_implement_to_closed() -> None:
    assert all(way(type_, "implement", "closed") == ("review", "closed") for type_ in PATHS)


def test_there_is_no_way_to_where_it_is() -> None:
    assert way("normal", "review", "review") == ()


@pytest.mark.parametrize(("state", "to"), [("closed", "implement"), ("review", "canceled"), ("canceled", "new")])
def test_no_way_leads_back_and_the_refusal_says_what_is_offered(state: ChangeState, to: ChangeState) -> None:
    with pytest.raises(Rejected, match=f"in {state} does not go to {to}; from there it goes to"):
        way("normal", state, to)


def test_a_type_never_passes_a_state_it_does_not_have() -> None:
    with pytest.raises(Rejected):
        way("standard", "new", "authorize")
    assert "assess" not in offered("emergency", "new")


@pytest.mark.parametrize("type_", ["normal", "emergency"])
@pytest.mark.parametrize("approval", ["waiting", "refused"])
def test_nothing_leaves_those_who_decide_without_their_word(type_: ChangeType, approval: str) -> None:
    with pytest.raises(Rejected):
        demand_approval(type_, "authorize", "implement", approval, run_first=False)


def test_an_emergency_may_run_first_where_that_is_policy_until_it_is_refused() -> None:
    demand_approval("emergency", "new", "implement", "waiting", run_first=True)
    with pytest.raises(Rejected, match="refused"):
        demand_approval("emergency", "authorize", "implement", "refused", run_first=True)
    with pytest.raises(Rejected, match="waits"):
        demand_approval("normal", "new", "implement", "waiting", run_first=True)


def test_what_was_refused_can_be_canceled() -> None:
    demand_approval("normal", "authorize", "canceled", "refused", run_first=False)


@pytest.mark.parametrize("evidence", [Evidence(notes="It answers."), Evidence(notes=" ", result="successful")])
def test_a_change_is_not_closed_without_saying_how_it_ended(evidence: Evidence) -> None:
    with pytest.raises(Rejected):
        demand_result("closed", evidence)
