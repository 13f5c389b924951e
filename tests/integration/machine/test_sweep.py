"""One trouble at some points of a remediation's way, while the hub stands there and after it was killed there: no step
begins that must not, none twice, nothing is lost, and the ledger is intact."""

from pathlib import Path

import pytest
from tests.integration.machine.pack import Shelf
from tests.integration.machine.sweep import Case, go_wrong

POINTS = (7, 13)  # in the checks, and shortly before the first step

CASES = [
    Case("auto-standard", "desk", "a freeze begins"),
    Case("approve-normal", "desk", "a day goes by"),
    Case("approve-normal", "desk", "the change is moved"),
    Case("approve-normal", "desk", "the change is refused"),
    Case("approve-normal", "firstline", "everything is stopped"),
    Case("approve-standard", "firstline", "the runbook is edited"),
    Case("pair-normal", "desk", "an answer is lost"),
    Case("auto-emergency", "desk", "the vendor is away", emergency="first"),
    Case("auto-none", "desk", "another one comes"),
    Case("auto-none", "desk", "a run is lost"),
]


@pytest.mark.parametrize("killed", [False, True], ids=["stands", "killed"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_whatever_goes_wrong_nothing_begins_without_what_it_needs(
    case: Case, shelf: Shelf, empty: Path, *, killed: bool
) -> None:
    for points in POINTS:
        assert go_wrong(case, shelf, empty, points, killed=killed) == []
