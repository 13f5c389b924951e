"""`make soak`: many incidents through each vendor and each way in, with faults of every kind and a hub that is killed
again and again. Nothing is missing, and nothing is there twice."""

import os
from pathlib import Path

import pytest
from tests.soak.stage import staged
from tests.soak.storm import Storm
from tests.soak.vendor import VENDORS

COUNT = int(os.environ.get("INCIDENTS", "2000"))
SHARE = float(os.environ.get("SHARE", "0.1"))
STORM = Storm(count=COUNT, share=SHARE, kills=10, seed=20261123, patience=1800)


@pytest.mark.parametrize("way", ["push", "poll", "both"])
@pytest.mark.parametrize("name", VENDORS)
def test_nothing_is_lost_and_nothing_doubled(
    name: str, way: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _storm(tmp_path / "soak", {name: way}, "", capsys)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_nor_with_all_vendors_at_once_on_postgresql(
    database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _storm(tmp_path / "soak", dict.fromkeys(VENDORS, "both"), database_url, capsys)


def _storm(root: Path, ways: dict[str, str], database: str, capsys: pytest.CaptureFixture[str]) -> None:
    with staged(root, ways, database) as stage:
        outcome = STORM.run(stage)
    with capsys.disabled():
        print(f"\n{ways}: {outcome.incidents} in {outcome.seconds:.0f} s; faults: {outcome.faults}")  # noqa: T201
    assert outcome.wrong == []
