"""Kill switches stop what is of their scope, and everything where nobody knows their scope."""

import pytest
from tests.unit.guard.case import NOON

from firstline.errors import Rejected
from firstline.guard.switch import Switch, holds, scope

MINE = frozenset(
    {"connection:pagerduty", "connection:servicenow", "runbook:shop/restart", "service:shop", "environment:prod"}
)


def stopped(text: str) -> bool:
    return bool(holds([Switch(text, "ann", "fire drill", NOON)], MINE))


@pytest.mark.parametrize("text", ["all", *sorted(MINE), "ALL", "service:Shop ", "Runbook:SHOP/restart"])
def test_what_is_of_its_scope_is_stopped(text: str) -> None:
    assert stopped(text)


@pytest.mark.parametrize("text", ["connection:jira", "runbook:shop/other", "service:web", "environment:test"])
def test_what_is_of_another_scope_goes_on(text: str) -> None:
    assert not stopped(text)


@pytest.mark.parametrize("text", ["", "hub:berlin", "everything", "service:", "service", "*"])
def test_a_switch_that_nobody_understands_stops_everything(text: str) -> None:
    assert stopped(text)


@pytest.mark.parametrize("text", ["", "hub:berlin", "everything", "service:", "service: ", "*"])
def test_what_nobody_understands_can_not_be_thrown(text: str) -> None:
    with pytest.raises(Rejected, match="no scope of a switch"):
        scope(text)


def test_who_stopped_it_and_why_is_told_with_the_way_to_lift_it() -> None:
    [held] = holds([Switch("service:shop", "ann", "fire drill", NOON)], MINE)
    assert held.why == "the kill switch service:shop was thrown by ann at 2026-11-23 12:00:00 UTC: fire drill"
    assert held.mend == "firstline guard lift service:shop --reason ..."
    assert held.until is None
    assert not held.ends


def test_each_switch_is_told() -> None:
    thrown = [Switch("all", "ann", "one", NOON), Switch("service:shop", "bob", "two", NOON)]
    assert len(holds(thrown, MINE)) == 2
