"""Whatever happens, in whichever order: no step begins without what it needed, none twice, none after the kill switch;
and nothing is lost."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from tests.integration.machine.machine import Machine
from tests.integration.machine.pack import Shelf

EXAMPLES, STEPS = 16, 40


def test_no_step_begins_without_what_it_needed(shelf: Shelf, empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Machine, "shelf", shelf, raising=False)
    monkeypatch.setattr(Machine, "empty", empty, raising=False)
    slow = tuple(HealthCheck)
    run_state_machine_as_test(
        Machine, settings=settings(max_examples=EXAMPLES, stateful_step_count=STEPS, suppress_health_check=slow)
    )
