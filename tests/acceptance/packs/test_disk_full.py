"""A file system of its own, full."""

import os
import time
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest
from tests.acceptance.packs.conftest import PACKS, Bench

pytestmark = pytest.mark.anyio

MEBIBYTE = 1_048_576
MONTH = 30 * 86_400


def fill(path: Path, size: int, age: int = 0) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"x" * size)
    os.utime(path, (time.time() - age, time.time() - age))
    return path


def inputs(disk: Path) -> dict[str, str]:
    return {"host": "web-3", "path": str(disk), "folder": str(disk / "log")}


async def test_old_rotated_logs_go_and_nothing_else_does(bench: Bench, disk: Path) -> None:
    old = [fill(disk / "log" / f"app.log.{number}.gz", MEBIBYTE, MONTH) for number in range(1, 6)]
    kept = [
        fill(disk / "log" / "app.log", MEBIBYTE, MONTH),  # not rotated
        fill(disk / "log" / "app.log.0", MEBIBYTE // 2),  # not old
        fill(disk / "data" / "orders.1", MEBIBYTE // 2, MONTH),  # elsewhere
    ]
    with (disk / "log" / "app.log.9").open("wb") as held:
        held.write(b"x" * (MEBIBYTE // 4))
        held.flush()
        os.utime(held.fileno(), (time.time() - MONTH, time.time() - MONTH))
        played = await bench.play("linux/disk-full", **inputs(disk))
    assert played.outcome == "proved", played
    assert not any(path.exists() for path in old)
    assert all(path.exists() for path in kept)
    assert (disk / "log" / "app.log.9").exists()
    assert "removed 5 files" in played.said["remove old rotated logs"]


async def test_a_deleted_file_that_is_held_open_is_named_with_its_process(bench: Bench, disk: Path) -> None:
    old = fill(disk / "log" / "app.log.1", MEBIBYTE // 8, MONTH)
    ghost = disk / "log" / "trace.log"
    with ghost.open("wb") as held:
        held.write(b"x" * (15 * MEBIBYTE // 2))
        held.flush()
        ghost.unlink()
        played = await bench.play("linux/disk-full", **inputs(disk))
    assert played.outcome == "failed"
    assert f"7.5 MiB held by process {os.getpid()}" in played.said["look what fills it"]
    assert "it would not be enough" in played.said["remove old rotated logs"]
    assert old.exists()


async def test_a_disk_with_room_needs_nothing(bench: Bench, disk: Path) -> None:
    fill(disk / "log" / "app.log.1", MEBIBYTE, MONTH)
    assert (await bench.play("linux/disk-full", **inputs(disk))).outcome == "not_needed"


async def test_more_files_than_one_run_may_remove_are_left_to_a_person(bench: Bench, disk: Path) -> None:
    old = [fill(disk / "log" / f"app.log.{number}", MEBIBYTE, MONTH) for number in range(7)]
    fill(disk / "log" / "app.log", MEBIBYTE // 2)
    played = await bench.play("linux/disk-full", **inputs(disk), most=3)
    assert played.outcome == "failed"
    assert "7 files are more than the 3" in played.said["remove old rotated logs"]
    assert all(path.exists() for path in old)


async def test_the_systems_own_folders_are_refused(bench: Bench, disk: Path) -> None:
    fill(disk / "data" / "orders", 15 * MEBIBYTE // 2)
    played = await bench.play("linux/disk-full", host="web-3", path=str(disk), folder="/var/lib/dpkg")
    assert played.outcome == "failed"
    assert "the system's own" in played.said["remove old rotated logs"]


async def test_a_folder_that_leads_elsewhere_is_refused(bench: Bench, disk: Path) -> None:
    fill(disk / "data" / "orders.1", 15 * MEBIBYTE // 2, MONTH)
    (disk / "link").symlink_to(disk / "data")
    played = await bench.play("linux/disk-full", host="web-3", path=str(disk), folder=str(disk / "link"))
    assert played.outcome == "failed"
    assert "leads to" in played.said["remove old rotated logs"]
    assert (disk / "data" / "orders.1").exists()


async def test_a_folder_of_another_file_system_is_refused(bench: Bench, disk: Path, tmp_path: Path) -> None:
    fill(disk / "data" / "orders", 15 * MEBIBYTE // 2)
    elsewhere = fill(tmp_path / "log" / "app.log.1", MEBIBYTE, MONTH)
    played = await bench.play("linux/disk-full", host="web-3", path=str(disk), folder=str(elsewhere.parent))
    assert played.outcome == "failed"
    assert "is not on the file system" in played.said["remove old rotated logs"]
    assert elsewhere.exists()


async def test_a_folder_of_backups_is_refused(bench: Bench, disk: Path) -> None:
    kept = fill(disk / "backups" / "orders-20260101.gz", 15 * MEBIBYTE // 2, MONTH)
    played = await bench.play("linux/disk-full", host="web-3", path=str(disk), folder=str(kept.parent))
    assert played.outcome == "failed"
    assert "holds what is kept" in played.said["remove old rotated logs"]
    assert kept.exists()


async def test_what_fills_it_elsewhere_on_the_file_system_is_named(bench: Bench, disk: Path) -> None:
    filler = fill(disk / "data" / "orders", 15 * MEBIBYTE // 2)
    played = await bench.play("linux/disk-full", **inputs(disk))
    assert played.outcome == "failed"
    assert f"7.5 MiB {filler}" in played.said["look what fills it"]
    assert f"7.5 MiB {filler}" in played.said["what fills it now"]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The runbook's script, to be met with what can't be brought about at will."""
    loaded = ModuleType("disk")
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    SourceFileLoader("disk", str(PACKS / "linux/runbooks/disk-full/disk")).exec_module(loaded)
    return loaded


def test_what_goes_while_it_is_looked_at_does_not_end_the_look(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = fill(tmp_path / "kept", 10)
    monkeypatch.setattr("os.walk", lambda _: [(str(tmp_path), ["gone"], ["gone.log", "kept"])])
    assert [path for path, _ in script.files(tmp_path, tmp_path.stat().st_dev)] == [str(kept)]


def test_a_file_that_is_closed_just_now_hides_no_other(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = fill(tmp_path / "first", 10)
    held = fill(tmp_path / "held", 10)
    with first.open() as closed, held.open() as opened:
        assert closed.fileno() < opened.fileno()
        look = Path.stat

        def stat(path: Path) -> os.stat_result:
            if path == Path(f"/proc/{os.getpid()}/fd/{closed.fileno()}"):
                raise FileNotFoundError
            return look(path)

        monkeypatch.setattr(Path, "stat", stat)
        found, _ = script.open_files()
    status = look(held)
    assert (status.st_dev, status.st_ino) in found


def test_nothing_is_removed_where_it_can_not_be_told_what_is_open(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = fill(tmp_path / "log" / "app.log.1", 10, MONTH)
    monkeypatch.setattr(script, "open_files", lambda: ({}, 3))
    with pytest.raises(script.Refused, match="3 processes may not be looked at"):
        script.clean(str(tmp_path), 100.0, str(old.parent), 14, 10)
    assert old.exists()
