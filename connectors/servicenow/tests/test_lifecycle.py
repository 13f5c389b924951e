"""The ways of changes."""

import pytest

from firstline_servicenow import lifecycle


@pytest.mark.parametrize(
    ("kind", "now", "target", "expected"),
    [
        ("standard", "-5", "-1", ("-2", "-1")),
        ("normal", "-5", "-1", ("-4", "-3", "-2", "-1")),
        ("emergency", "-5", "-1", ("-3", "-2", "-1")),
        ("standard", "-1", "3", ("0", "3")),
        ("a model of the customer's", "-2", "-1", ("-1",)),
        ("standard", "3", "-1", ()),
        ("standard", "-5", "-4", ()),
        ("normal", "-4", "4", ("4",)),
        ("normal", "0", "4", ()),
        ("normal", "3", "4", ()),
        ("normal", "17", "-1", ()),
    ],
)
def test_the_way_goes_through_the_states_between(kind: str, now: str, target: str, expected: tuple[str, ...]) -> None:
    assert lifecycle.way(kind, now, target) == expected


@pytest.mark.parametrize(
    ("offered", "now", "target", "expected"),
    [
        ({"-1", "-5"}, "-5", "-1", "-1"),
        ({"-4", "-2", "4"}, "-5", "-1", "-2"),
        ({"4"}, "-5", "-1", ""),
        ({"3"}, "3", "3", ""),
        ({"-5", "0"}, "-2", "-1", ""),
    ],
)
def test_of_what_is_offered_the_nearest_that_is_not_beyond_is_taken(
    offered: set[str], now: str, target: str, expected: str
) -> None:
    assert lifecycle.ahead(offered, now, target) == expected


@pytest.mark.parametrize(
    ("state", "approval", "step", "expected"),
    [
        ("-4", "requested", "-3", True),
        ("-4", "not requested", "-3", True),
        ("-3", "approved", "-2", False),
        ("-5", "rejected", "-4", True),
        ("-4", "requested", "4", False),
        ("-2", "not requested", "-1", False),
    ],
)
def test_nobody_but_an_approver_leads_a_change_out_of_approval(
    state: str, approval: str, step: str, expected: bool
) -> None:
    assert lifecycle.awaits({"state": state, "approval": approval}, step) is expected


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
    assert lifecycle.approval(record).state == expected
