"""What goes of old runs, and what stays."""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from firstline.executor import Handle, State
from firstline.executors.command import CommandExecutor, CommandSettings
from firstline.executors.command.retention import strip
from firstline.executors.process.run_directory import RunDirectory
from firstline.testing.executor import Bench, text_of, until

pytestmark = pytest.mark.anyio

DAY = 86_400.0
PROGRAM = ("sh", "-c", "echo begun >> ../../begun; echo words; echo x > file; echo a=b > $FIRSTLINE_OUTPUT")


async def ended(bench: Bench, step: str, days_ago: float = 0) -> Handle:
    handle = await bench.start(PROGRAM, id=step)
    await bench.end(handle)
    then = time.time() - days_ago * DAY
    os.utime(Path(handle.where) / "ended.json", (then, then))
    return handle


def size(handle: Handle) -> int:
    return sum(file.stat().st_size for file in Path(handle.where).rglob("*") if file.is_file())


async def test_an_old_run_loses_its_output_and_never_begins_again(bench: Bench, runs: Path) -> None:
    handle = await ended(bench, "old", days_ago=15)
    assert strip(runs, time.time() - 14 * DAY) == []
    progress = await bench.executor.watch(handle)
    assert (progress.state, progress.exit_status, text_of(progress)) == (State.SUCCEEDED, 0, "")
    assert "no longer kept" in progress.detail
    assert not RunDirectory(Path(handle.where)).work.exists()
    assert size(handle) < 2_000
    assert await bench.start(PROGRAM, id="old") == handle
    assert (runs / "begun").read_text() == "begun\n"
    await bench.executor.cancel(handle)


async def test_a_younger_run_keeps_all(bench: Bench, runs: Path) -> None:
    handle = await ended(bench, "young", days_ago=13)
    before = await bench.executor.watch(handle)
    assert strip(runs, time.time() - 14 * DAY) == []
    assert await bench.executor.watch(handle) == before


async def test_what_has_not_ended_keeps_all_however_old(bench: Bench, runs: Path) -> None:
    running = await bench.start(("sh", "-c", "echo words; exec sleep 100000"))
    await until(lambda: (Path(running.where) / "output.0").exists())
    lost = await ended(bench, "lost")
    (Path(lost.where) / "ended.json").unlink()
    assert strip(runs, time.time() + DAY) == []
    assert (await bench.executor.watch(running)).state is State.RUNNING
    assert text_of(await bench.executor.watch(lost)) == "words\n"


async def test_what_a_crash_left_of_the_removal_is_removed_later(bench: Bench, runs: Path) -> None:
    handle = await ended(bench, "old", days_ago=15)
    (Path(handle.where) / "stripped").touch()
    assert text_of(await bench.executor.watch(handle)) == ""
    assert strip(runs, time.time() - 14 * DAY) == []
    assert RunDirectory(Path(handle.where)).is_bare()


async def test_old_runs_are_removed_by_the_executor_when_others_begin(bench: Bench, runs: Path) -> None:
    old = await ended(bench, "old", days_ago=2)
    another = Bench(lambda: CommandExecutor(CommandSettings(directory=runs, keep=1)))
    await another.end(await another.start(("true",)))
    await another.aclose()
    assert RunDirectory(Path(old.where)).is_bare()


async def test_what_can_not_be_removed_is_a_finding(bench: Bench, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(run: RunDirectory) -> None:
        raise PermissionError("not yours")

    monkeypatch.setattr(RunDirectory, "strip", refuse)
    await ended(bench, "old", days_ago=15)
    another = Bench(lambda: CommandExecutor(CommandSettings(directory=runs)))
    await another.end(await another.start(("true",)))
    executor: Any = another.executor
    await executor.aclose()
    (finding,) = [each for each in await executor.check() if each.subject == "old runs"]
    assert (finding.ok, "not yours" in finding.message) == (False, True)


async def test_a_machine_that_has_all_is_found_well(bench: Bench) -> None:
    assert [finding.subject for finding in await bench.executor.check()][:1] == ["runs"]


async def test_a_place_that_the_hub_can_not_write_to_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    executor = CommandExecutor(CommandSettings(directory=tmp_path / "file" / "runs"))
    (finding,) = [each for each in await executor.check() if each.subject == "runs"]
    assert (finding.ok, str(tmp_path / "file") in finding.mend) == (False, True)
    await executor.aclose()
