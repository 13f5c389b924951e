from pathlib import Path

import pytest
from tests.integration.hub.conftest import write_pack

from firstline.errors import Misdeclared
from firstline.intake.declared import Declared


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_pack(tmp_path, tmp_path, mode="auto", change="none", extra="true", before='["true"]')
    return tmp_path / "mappings"


def spoil(folder: Path) -> None:
    mapping = folder / "shop" / "mapping.yaml"
    mapping.write_text(mapping.read_text().replace("runbook: mend", "runbook: absent"))


def test_a_hub_that_starts_while_a_file_has_a_mistake_starts_on_the_last_good_ones(
    folder: Path, tmp_path: Path
) -> None:
    Declared(folder, tmp_path / "state").start()
    spoil(folder)
    declared = Declared(folder, tmp_path / "state")
    assert [mapping.name for mapping in declared.start().matcher.mappings] == ["shop/mend"]
    assert "mapping.yaml:5:" in str(declared.errors[0])


def test_a_hub_that_never_had_good_files_does_not_start(folder: Path, tmp_path: Path) -> None:
    spoil(folder)
    with pytest.raises(Misdeclared, match=r"mapping\.yaml:5:"):
        Declared(folder, tmp_path / "state").start()


def test_a_mended_file_is_taken_after_a_start_on_the_last_good_ones(folder: Path, tmp_path: Path) -> None:
    Declared(folder, tmp_path / "state").start()
    good = (folder / "shop" / "mapping.yaml").read_text()
    spoil(folder)
    declared = Declared(folder, tmp_path / "state")
    declared.start()
    (folder / "shop" / "mapping.yaml").write_text(good.replace("id: mend", "id: mended"))
    fresh = declared.reload()
    assert fresh is not None
    assert [mapping.name for mapping in fresh.matcher.mappings] == ["shop/mended"]
    assert declared.errors == ()


def test_only_a_few_good_copies_are_kept(folder: Path, tmp_path: Path) -> None:
    declared = Declared(folder, tmp_path / "state")
    for _ in range(6):
        declared.load()
    assert len([path for path in (tmp_path / "state" / "last-good").iterdir() if not path.is_symlink()]) == 3
