"""The packs that are shipped have no mistake, and their own cases pass and cover every mapping."""

from pathlib import Path

import pytest

from firstline.demo import stage
from firstline.mapping import load_packs
from firstline.mapping.testing import run

READY_MADE = Path(__file__).parents[3] / "mappings"
DEMO = Path(stage.__file__).parent / "folder" / "mappings"


@pytest.mark.parametrize("folder", [READY_MADE, DEMO], ids=["ready-made", "demo"])
def test_shipped_packs_pass_their_own_cases(folder: Path) -> None:
    report = run(load_packs(folder))
    assert report.passed, [result for result in report.results if not result.passed]
    assert not report.errors
    assert not report.uncovered


def test_there_is_a_pack_to_begin_with() -> None:
    assert "first-steps" in load_packs(READY_MADE).names
