"""`make soak`: the machine with many more examples, new ones each time; and every trouble at every point of every way,
while the hub stands there and after it was killed there."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from tests.integration.machine.conftest import empty, shelf
from tests.integration.machine.machine import Machine
from tests.integration.machine.pack import Shelf
from tests.integration.machine.sweep import CASES, Case, go_wrong

EXAMPLES = int(os.environ.get("EXAMPLES", "5000"))
POINTS = 60  # more than any way has

__all__ = ["empty", "shelf"]  # fixtures


def test_no_step_begins_without_what_it_needed(shelf: Shelf, empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Machine, "shelf", shelf, raising=False)
    monkeypatch.setattr(Machine, "empty", empty, raising=False)
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=EXAMPLES, stateful_step_count=80, derandomize=False, suppress_health_check=list(HealthCheck)
        ),
    )


@pytest.mark.parametrize("killed", [False, True], ids=["stands", "killed"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_whatever_goes_wrong_at_any_point_nothing_begins_without_what_it_needs(
    case: Case,
    shelf: Shelf,
    empty: Path,
    *,
    killed: bool,
) -> None:
    wrong = {points: go_wrong(case, shelf, empty, points, killed=killed) for points in range(1, POINTS)}
    assert {points: found for points, found in wrong.items() if found} == {}
