"""A real backup job, that a lock of a dead run keeps from running."""

import os
import subprocess
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.acceptance.packs.conftest import Bench, Runit

from firstline.declaration import Json

pytestmark = pytest.mark.anyio

SCRIPT = "backup/backup-failed"
DAY = 86_400
# As many are written: the process id in a file, and no look whether it lives.
JOB = """
cd {folder}
echo "backup begins" >>log
if [ -e lock ]; then echo "already running: $(cat lock)" >>log; exit 1; fi
echo $$ >lock
{tar} -czf backups/new.part -C shop . && mv backups/new.part backups/shop-2.tar.gz
rm lock
"""


class Job:
    def __init__(self, runit: Runit, folder: Path, tar: str = "tar") -> None:
        self.folder, self.backups, self.lock = folder, folder / "backups", folder / "lock"
        (folder / "shop").mkdir()
        self.backups.mkdir()
        (folder / "shop" / "orders").write_bytes(os.urandom(20_000))
        self.old = self.backups / "shop-1.tar.gz"
        with tarfile.open(self.old, "w:gz") as archive:
            archive.add(folder / "shop", arcname=".")
        age(self.old, 3 * DAY)
        (folder / "log").touch()
        self.unit = runit.start("shop-backup", JOB.format(folder=folder, tar=tar), down=True)
        self.inputs: dict[str, Json] = {"host": "files-1", "folder": str(self.backups), "lock": str(self.lock)}
        self.inputs |= {"program": "shop-backup", "log": str(folder / "log"), "unit": str(self.unit)}
        self.inputs |= {"supervisor": "runit", "seconds": 30}

    def break_off(self) -> int:
        """A run that was killed two days ago has left its lock. Gives its process id."""
        run = subprocess.Popen(["sleep", "1000"])
        run.kill()
        run.wait()
        self.lock.write_text(f"{run.pid}\n")
        age(self.lock, 2 * DAY)
        return run.pid

    @property
    def taken(self) -> bool:
        return (self.backups / "shop-2.tar.gz").exists()


def age(path: Path, seconds: int) -> None:
    os.utime(path, (time.time() - seconds, time.time() - seconds))


@contextmanager
def waiting(*command: str) -> Iterator[int]:
    """A process that has said something, and ends with its input. Gives its id."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.stdin.close()


@pytest.fixture
def job(runit: Runit, tmp_path: Path) -> Job:
    return Job(runit, tmp_path)


async def test_a_lock_of_the_dead_is_set_aside_and_the_backup_is_taken(bench: Bench, job: Job) -> None:
    dead = job.break_off()
    played = await bench.play(SCRIPT, **job.inputs)
    assert played.outcome == "proved", played
    assert job.taken
    assert not job.lock.exists()
    assert f"named process {dead}, which is no backup any more" in played.said["set a stale lock aside"]


async def test_a_backup_that_runs_is_not_disturbed(bench: Bench, job: Job) -> None:
    with waiting("sh", "-c", ": shop-backup; echo; read wait") as running:
        job.lock.write_text(f"{running}\n")
        age(job.lock, 2 * DAY)
        played = await bench.play(SCRIPT, **job.inputs)
    assert played.outcome == "failed"
    assert "is a backup that runs" in played.said["set a stale lock aside"]
    assert job.lock.exists()
    assert not job.taken


async def test_a_lock_that_is_held_is_left_alone(bench: Bench, job: Job) -> None:
    job.break_off()
    with waiting("flock", str(job.lock), "sh", "-c", "echo; read wait"):
        played = await bench.play(SCRIPT, **job.inputs)
    assert played.outcome == "failed"
    assert "somebody holds" in played.said["set a stale lock aside"]


async def test_where_the_job_fails_all_the_same_the_lock_is_put_back(
    bench: Bench, runit: Runit, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    job = Job(runit, tmp_path / "other", tar="false")
    job.break_off()
    played = await bench.play(SCRIPT, **job.inputs)
    assert played.outcome == "failed"
    assert played.said["put the lock back"].strip().endswith("is there again")
    assert job.lock.exists()


async def test_a_backup_that_is_cut_short_is_no_backup(bench: Bench, runit: Runit, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    cut = tmp_path / "cut"
    cut.write_text('#!/bin/sh\ntar "$@" && truncate -s -200 "$2"\n')
    cut.chmod(0o755)
    job = Job(runit, tmp_path / "other", tar=str(cut))
    played = await bench.play(SCRIPT, **job.inputs)
    assert played.outcome == "failed"
    assert job.taken
    assert "it is cut short or broken" in played.said["a good backup came"]


async def test_a_backup_that_came_needs_nothing(bench: Bench, job: Job) -> None:
    age(job.old, 3600)
    assert (await bench.play(SCRIPT, **job.inputs)).outcome == "not_needed"
