"""The ways of changes."""

import pytest

from firstline.connector import ChangeState
from firstline_servicenow.approval import stand
from firstline_servicenow.lifecycle import VALUES, Lifecycle

BASE = Lifecycle()
PEERS = Lifecycle({"-6": "assess", "5": "review"})  # a model with a peer review and a verification


@pytest.mark.parametrize(
    ("kind", "now", "target", "expected"),
    [
        ("standard", "-5", "implement", ("-2", "-1")),
        ("normal", "-5", "implement", ("-4", "-3", "-2", "-1")),
        ("emergency", "-2", "implement", ("-1",)),
        ("standard", "-1", "closed", ("0", "3")),
        ("emergency", "-1", "closed", ("0", "3")),
        ("a model of the customer's", "-2", "implement", ("-1",)),
        ("standard", "3", "implement", ()),
        ("standard", "-5", "assess", ()),
        ("normal", "-4", "canceled", ("4",)),
        ("normal", "0", "canceled", ()),
        ("normal", "3", "canceled", ()),
        ("normal", "17", "implement", ()),
    ],
)
def test_the_way_goes_through_the_states_between(
    kind: str, now: str, target: ChangeState, expected: tuple[str, ...]
) -> None:
    record = {"type": kind, "state": now, "approval": "not requested"}
    assert BASE.way(record, target) == expected


@pytest.mark.parametrize(("state", "approval"), [("-5", "not requested"), ("-3", "requested")])
def test_an_emergency_that_is_not_approved_goes_where_it_is_offered(state: str, approval: str) -> None:
    record = {"type": "emergency", "state": state, "approval": approval}
    assert BASE.way(record, "implement") == ()
    assert not BASE.awaits(record, "-1")
    assert BASE.awaits({**record, "approval": "rejected"}, "-1")


@pytest.mark.parametrize(
    ("offered", "now", "target", "expected"),
    [
        ({"-1"}, "new", "implement", "-1"),
        ({"-4", "-2", "4"}, "new", "implement", "-2"),
        ({"4"}, "new", "implement", ""),
        ({"-5", "0"}, "scheduled", "implement", ""),
        ({"-6", "4"}, "new", "implement", "-6"),
        ({"-4"}, "assess", "authorize", "-4"),
        ({"5", "99"}, "implement", "closed", "5"),
        ({"99"}, None, "implement", ""),
    ],
)
def test_of_what_is_offered_the_nearest_that_is_not_beyond_is_taken(
    offered: set[str], now: ChangeState | None, target: ChangeState, expected: str
) -> None:
    assert PEERS.ahead(offered, now, target) == expected


def test_each_state_of_the_base_system_has_its_meaning_and_an_added_one_the_one_that_was_given() -> None:
    assert {state: BASE.meaning(code) for state, code in VALUES.items()} == {state: state for state in VALUES}
    assert (BASE.meaning("-6"), PEERS.meaning("-6")) == (None, "assess")


@pytest.mark.parametrize(
    ("state", "approval", "step", "expected"),
    [
        ("-4", "requested", "-3", True),
        ("-4", "not requested", "-3", True),
        ("-3", "approved", "-2", False),
        ("-5", "rejected", "-4", True),
        ("-4", "requested", "4", False),
        ("-2", "not requested", "-1", False),
        ("-2", "rejected", "-1", True),
        ("-1", "rejected", "0", False),
    ],
)
def test_nobody_but_an_approver_leads_a_change_out_of_approval(
    state: str, approval: str, step: str, expected: bool
) -> None:
    assert BASE.awaits({"state": state, "approval": approval}, step) is expected


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"type": "standard", "state": "-5", "approval": "not requested"}, "not_required"),
        ({"type": "normal", "state": "-5", "approval": "not requested"}, "waiting"),
        ({"type": "normal", "state": "-4", "approval": "requested"}, "waiting"),
        ({"type": "normal", "state": "-2", "approval": "approved"}, "approved"),
        ({"type": "normal", "state": "-5", "approval": "rejected"}, "refused"),
        ({"type": "normal", "state": "-1", "approval": "not requested"}, "not_required"),
    ],
)
def test_where_an_approval_stands_is_read_from_the_change(record: dict[str, str], expected: str) -> None:
    assert stand(record, BASE).state == expected
