"""Many at once: one goes first."""

import pytest
from tests.unit.guard.case import MINUTE, NOON, often

from firstline.guard.settings import Often
from firstline.guard.storm import Begun, parent

LIMIT = often(3, "5m")


def begun(*active: bool) -> list[Begun]:
    return [Begun(f"r{number}", NOON - MINUTE * (4 - number), each) for number, each in enumerate(active)]


def test_the_rest_are_attached_to_the_first_that_is_at_it_still() -> None:
    assert parent(begun(True, True, True), LIMIT, NOON) == "r0"
    assert parent(list(reversed(begun(False, True, True))), LIMIT, NOON) == "r1"


@pytest.mark.parametrize(
    ("all_", "limit", "minutes"),
    [
        (begun(True, True), LIMIT, 0),
        (begun(True, True, True), LIMIT, 2),
        (begun(False, False, False), LIMIT, 0),
        (begun(True, True, True), None, 0),
    ],
    ids=["too few", "too long ago", "nobody at it", "not asked for"],
)
def test_where_there_is_no_storm_each_begins(all_: list[Begun], limit: Often | None, minutes: int) -> None:
    assert parent(all_, limit, NOON + MINUTE * minutes) is None
