"""One trouble at some points of a remediation's way, while the hub stands there and after it was killed there: no step
begins that must not, none twice, nothing is lost, and the ledger is intact."""

from pathlib import Path

import pytest
from tests.integration.machine.machine import populate
from tests.integration.machine.pack import Shelf
from tests.integration.machine.sweep import Case, along, forged, go_wrong, let_go, staged

POINTS = (13,)  # shortly before the first step; at every other in `make soak`

CASES = [
    Case("auto-standard", "desk", "a freeze begins"),
    Case("approve-normal", "desk", "a day goes by"),
    Case("approve-normal", "desk", "the change is moved"),
    Case("approve-normal", "desk", "the change is refused"),
    Case("approve-normal", "firstline", "everything is stopped"),
    Case("approve-standard", "firstline", "the runbook is edited"),
    Case("pair-normal", "desk", "an answer is lost"),
    Case("auto-emergency", "desk", "the vendor is away", emergency="first"),
    Case("auto-standard", "desk", "another one comes", emergency="first"),
    Case("pair-normal", "desk", "only those answer who do not count"),
    Case("approve-normal", "desk", "only those answer who do not count"),
    Case("auto-none", "desk", "a run is lost"),
]


@pytest.mark.parametrize("killed", [False, True], ids=["stands", "killed"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_whatever_goes_wrong_nothing_begins_without_what_it_needs(
    case: Case, shelf: Shelf, empty: Path, *, killed: bool
) -> None:
    for points in POINTS:
        assert go_wrong(case, shelf, empty, points, killed=killed) == []


def test_killed_at_any_point_of_its_steps_it_runs_none_of_them_twice(shelf: Shelf, empty: Path) -> None:
    case = Case("auto-none", "desk", "nothing")
    assert [go_wrong(case, shelf, empty, points, killed=True) for points in range(4, 18, 2)] == [[]] * 7


@pytest.mark.parametrize("mapping", ["auto-none", "approve-standard"])
def test_a_plan_that_somebody_edited_in_the_database_never_runs_and_the_ledger_names_it(
    mapping: str, shelf: Shelf, empty: Path
) -> None:
    with staged(shelf, empty, "desk", "approval") as world:
        along(world, mapping, 3)
        world.run(world.life.kill())
        forged(world)
        world.start()
        let_go(world)
        assert world.runs.begun == []
        assert all("was edited" in str(each) for each in world.verdict().findings.told)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("killed", [False, True], ids=["stands", "killed"])
def test_nor_does_it_on_postgresql(database_url: str, shelf: Shelf, empty: Path, *, killed: bool) -> None:
    populate(database_url)
    case = Case("auto-standard", "firstline", "another one comes", emergency="first")
    assert go_wrong(case, shelf, empty, 13, killed=killed, url=database_url) == []
