"""What a run's directory proves."""

import os
from pathlib import Path

import pytest

from firstline.executors.process.run_directory import RESERVED, RunDirectory, Standing


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    run = RunDirectory(tmp_path / "runs" / "one")
    run.make()
    return run


def held(run: RunDirectory) -> int:
    lock = run.lock()
    assert lock is not None
    return lock


def test_no_directory_is_no_run(tmp_path: Path) -> None:
    assert RunDirectory(tmp_path / "none").standing() is Standing.ABSENT


def test_an_empty_directory_is_a_run_that_never_began(run: RunDirectory) -> None:
    assert run.standing() is Standing.NEW
    assert not run.has_begun()


def test_who_holds_the_lock_lives(run: RunDirectory) -> None:
    lock = held(run)
    assert run.standing() is Standing.HELD
    assert run.lock() is None
    os.close(lock)
    assert run.standing() is Standing.NEW


def test_looking_keeps_nobody_from_the_lock(run: RunDirectory) -> None:
    run.standing()
    os.close(held(run))


def test_begun_without_an_end_and_a_holder_is_lost(run: RunDirectory) -> None:
    lock = held(run)
    run.record_begun({"started_at": 1.0})
    assert run.standing() is Standing.HELD
    os.close(lock)
    assert run.standing() is Standing.LOST
    assert run.has_begun()
    assert run.begun() == {"started_at": 1.0}


def test_an_end_on_record_counts_when_its_supervisor_has_let_go(run: RunDirectory) -> None:
    lock = held(run)
    run.record_ended({"state": "succeeded"})
    assert run.standing() is Standing.HELD
    os.close(lock)
    assert run.standing() is Standing.ENDED
    assert run.ended() == {"state": "succeeded"}


def test_a_record_cut_short_by_a_power_failure_is_empty(run: RunDirectory) -> None:
    (run.path / "ended.json").write_text('{"state": "succ')
    assert run.standing() is Standing.ENDED
    assert run.ended() == {}


def test_the_records_of_process_and_end_are_written_into_room_that_was_taken_before(run: RunDirectory) -> None:
    run.reserve()
    reserved = {name: (run.path / f"{name}.draft").stat() for name in ("process", "ended")}
    run.record_process({"id": 1, "started": 2})
    run.record_ended({"state": "succeeded"})
    assert (run.process(), run.ended()) == ({"id": 1, "started": 2}, {"state": "succeeded"})
    for name, before in reserved.items():
        assert before.st_size == RESERVED
        assert (run.path / f"{name}.json").stat().st_ino == before.st_ino


def test_no_record_is_written_through_a_link(run: RunDirectory, tmp_path: Path) -> None:
    (run.path / "ended.draft").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        run.record_ended({"state": "succeeded"})
    assert not (tmp_path / "elsewhere").exists()


def test_asking_to_cancel_where_nobody_listens_does_nothing(run: RunDirectory) -> None:
    run.ask_to_cancel()
    os.mkfifo(run.control)
    run.ask_to_cancel()


def test_who_listens_is_asked_however_often(run: RunDirectory) -> None:
    os.mkfifo(run.control)
    reader = os.open(run.control, os.O_RDONLY | os.O_NONBLOCK)
    for _ in range(70_000):  # more than a pipe holds
        run.ask_to_cancel()
    assert set(os.read(reader, 100_000)) == {ord("c")}
    os.close(reader)


def test_a_crash_is_told_by_its_last_line(run: RunDirectory) -> None:
    assert run.crash() == ""
    run.record_crash("Traceback\n  File x\nOSError: disk full\n")
    assert run.crash() == "OSError: disk full"
