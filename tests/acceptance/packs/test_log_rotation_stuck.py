"""A real logrotate, that cannot."""

import subprocess
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import psutil
import pytest
from tests.acceptance.packs.conftest import Bench

from firstline.declaration import Json
from firstline.testing.patience import eventually
from firstline.testing.peer import need

pytestmark = pytest.mark.anyio

SCRIPT = "linux/log-rotation-stuck"


class Logs:
    """A log that was rotated last month, to be rotated each day."""

    def __init__(self, folder: Path) -> None:
        self._logrotate = need("logrotate")
        (folder / "log").mkdir(mode=0o755)
        self.log, self.config, self.state = folder / "log" / "app.log", folder / "rotate.conf", folder / "status"
        self.log.write_text("a line\n")
        self.configure()
        last = date.today() - timedelta(days=30)
        self.state.write_text(
            f'logrotate state -- version 2\n"{self.log}" {last.year}-{last.month}-{last.day}-6:25:1\n'
        )
        self.state.chmod(0o640)  # else logrotate takes no lock
        self.inputs: dict[str, Json] = {"host": "web-3", "log": str(self.log), "config": str(self.config)}
        self.inputs |= {"state": str(self.state), "minutes": 0}
        self._running: list[subprocess.Popen[bytes]] = []

    def configure(self, *more: str) -> None:
        self.config.write_text("\n".join([f"{self.log} {{", "daily", "rotate 3", *more, "}", ""]))
        self.config.chmod(0o644)

    def rotate(self) -> None:
        subprocess.run([self._logrotate, "-s", self.state, self.config], check=True)

    def hang(self) -> int:
        """A run whose script never ends; another hour's rotation finds the lock taken."""
        self.configure("prerotate", "sleep 1000; true", "endscript")
        running = subprocess.Popen([self._logrotate, "-s", self.state, self.config])
        self._running.append(running)
        eventually(lambda: len(psutil.Process(running.pid).children(recursive=True)) == 2)
        self.configure()
        return running.pid

    @property
    def rotated(self) -> bool:
        return self.log.with_name("app.log.1").exists()

    def close(self) -> None:
        for running in self._running:
            for each in psutil.Process(running.pid).children(recursive=True) if running.poll() is None else ():
                each.kill()
            running.kill()
            running.wait()


def gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


@pytest.fixture
def logs(tmp_path: Path, root: None) -> Iterator[Logs]:
    made = Logs(tmp_path)
    yield made
    made.close()


async def test_a_run_that_hangs_is_ended_with_its_script(bench: Bench, logs: Logs) -> None:
    hanging = logs.hang()
    script = psutil.Process(hanging).children(recursive=True)
    played = await bench.play(SCRIPT, **logs.inputs)
    assert played.outcome == "proved", played
    assert logs.rotated
    assert all(gone(each) for each in script)
    assert f"ending process {hanging}" in played.said["end a run that hangs"]


async def test_a_run_that_has_just_begun_may_go_on(bench: Bench, logs: Logs) -> None:
    hanging = logs.hang()
    played = await bench.play(SCRIPT, **(logs.inputs | {"minutes": 60}))
    assert played.outcome == "failed"
    assert "it may still end" in played.said["end a run that hangs"]
    assert psutil.pid_exists(hanging)
    assert not logs.rotated


async def test_a_file_that_others_may_write_is_tightened(bench: Bench, logs: Logs) -> None:
    logs.config.chmod(0o666)
    played = await bench.play(SCRIPT, **logs.inputs)
    assert played.outcome == "proved", played
    assert logs.rotated
    assert logs.config.stat().st_mode & 0o777 == 0o644
    assert "has rights 666" in played.said["tighten loose rights"]


async def test_what_else_keeps_it_is_left_to_a_person(bench: Bench, logs: Logs) -> None:
    logs.log.parent.chmod(0o777)
    played = await bench.play(SCRIPT, **logs.inputs)
    assert played.outcome == "failed"
    assert "insecure permissions" in played.said["rotate"]
    assert not logs.rotated


async def test_a_log_that_was_rotated_needs_nothing(bench: Bench, logs: Logs) -> None:
    logs.rotate()
    assert logs.rotated
    assert (await bench.play(SCRIPT, **logs.inputs)).outcome == "not_needed"


async def test_no_file_is_tightened_where_one_of_them_is_none_of_its_own(
    bench: Bench, logs: Logs, tmp_path: Path
) -> None:
    own, elsewhere = tmp_path / "rotate.d" / "own", tmp_path / "elsewhere"
    own.parent.mkdir()
    for each in (own, elsewhere):
        each.write_text("")
        each.chmod(0o666)
    logs.config.write_text(f"include {own}\ninclude {elsewhere}\n{logs.config.read_text()}")
    played = await bench.play(SCRIPT, **logs.inputs)
    assert f"{elsewhere} is not of {logs.config}" in played.said["tighten loose rights"]
    assert [each.stat().st_mode & 0o777 for each in (own, elsewhere)] == [0o666, 0o666]
