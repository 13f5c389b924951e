"""What the settings become."""

from pathlib import Path

import pytest

from firstline import assembly
from firstline.settings import FILE, load


def directory_of(folder: Path, table: str) -> Path:
    (folder / FILE).write_text(f"[executors.command]\n{table}", encoding="utf-8")
    found: Path = assembly.executor(load(folder), "command").settings.directory
    return found


@pytest.mark.parametrize(
    ("table", "below"),
    [("", "state/runs"), ('directory = "kept/runs"', "kept/runs"), ('directory = "/kept"', "/kept")],
    ids=["unsaid", "relative", "absolute"],
)
def test_runs_are_kept_in_one_place_wherever_the_hub_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: str, below: str
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert directory_of(tmp_path, table) == tmp_path / below
