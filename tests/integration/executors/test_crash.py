"""What holds when hub, launcher or supervisor are killed."""

import random
import signal
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from functools import partial
from pathlib import Path

import anyio
import psutil
import pytest

from firstline.errors import Unavailable
from firstline.executor import Handle, State
from firstline.executors.process.run_directory import RunDirectory
from firstline.testing.executor import Bench, text_of, until

pytestmark = pytest.mark.anyio

HUB = Path(__file__).with_name("hub.py")
FOREVER = ("sh", "-c", "echo here; exec sleep 100000")


def command_of(handle: Handle) -> psutil.Process:
    return psutil.Process(RunDirectory(Path(handle.where)).process()["id"])


def supervisor_of(handle: Handle) -> psutil.Process:
    parent = command_of(handle).parent()
    assert parent is not None
    return parent


def launcher_of(handle: Handle) -> psutil.Process:
    parent = supervisor_of(handle).parent()
    assert parent is not None
    return parent


def hub(place: Path, steps: int) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, str(HUB), str(place), str(steps)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def test_a_hub_that_is_killed_time_and_again_begins_each_step_once(tmp_path: Path) -> None:
    steps, kills = 40, 12
    moments = random.Random(1)
    for _ in range(kills):
        process = hub(tmp_path, steps)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=moments.uniform(0.0, 0.07))
        process.kill()
        process.communicate()
    hub(tmp_path, steps).communicate(timeout=60)
    begun = Counter((tmp_path / "begun").read_text().split())
    assert begun == {f"step-{number}": 1 for number in range(steps)}
    assert set((tmp_path / "ended").read_text().split()) == {f"step-{number}:succeeded" for number in range(steps)}


async def test_supervisors_that_are_killed_at_any_moment_begin_no_step_twice(
    bench: Bench, runs: Path, tmp_path: Path
) -> None:
    launcher = launcher_of(await bench.start(FOREVER))
    old = launcher.children()
    moments = random.Random(1)
    states: Counter[State] = Counter()
    for step in (f"step-{number}" for number in range(30)):
        run = ("sh", "-c", f"echo >> {tmp_path}/{step}")
        async with anyio.create_task_group() as group:
            group.start_soon(partial(bench.start, run, id=step))
            await until(lambda step=step: launcher.children() != old or RunDirectory(runs / step).has_begun())  # type: ignore[misc]
            await anyio.sleep(moments.uniform(0, 0.006))
            for process in launcher.children():
                if process not in old:
                    with suppress(psutil.NoSuchProcess):
                        process.kill()
        states[(await bench.end(await bench.start(run, id=step))).state] += 1
    assert texts(tmp_path) <= {"\n", ""}  # empty: opened, not written yet
    assert set(states) <= {State.SUCCEEDED, State.UNKNOWN}  # which of them is the moment's


def texts(directory: Path) -> set[str]:
    return {file.read_text() for file in directory.glob("step-*")}


async def test_a_run_whose_supervisor_was_killed_is_unknown_and_never_begins_again(bench: Bench) -> None:
    handle = await bench.start(FOREVER, id="lost")
    await until(lambda: (Path(handle.where) / "output.0").exists())
    command = command_of(handle)
    supervisor_of(handle).kill()
    progress = await bench.end(handle)
    assert progress.state is State.UNKNOWN
    assert f"still running: {command.pid} (sleep)" in progress.detail
    assert text_of(progress) == "here\n"
    assert await bench.start(FOREVER, id="lost") == handle
    assert command_of(handle) == command
    assert (await bench.executor.watch(handle)).state is State.UNKNOWN


async def test_each_that_is_left_of_a_run_is_told_once(bench: Bench) -> None:
    handle = await bench.start(("sh", "-c", "while :; do :; done"))  # its processor time grows between two looks
    command = command_of(handle)
    supervisor_of(handle).kill()
    for _ in range(5):
        detail = (await bench.end(handle)).detail
        assert detail.count(f"{command.pid} (sh)") == 1


async def test_cancelling_without_a_supervisor_ends_the_session_that_is_left(bench: Bench) -> None:
    handle = await bench.start(("sh", "-c", "trap '' TERM; sleep 100000 & sleep 100000"))
    command = command_of(handle)
    await until(lambda: len(command.children()) == 2)
    processes = [command, *command.children()]
    supervisor_of(handle).kill()
    await bench.executor.cancel(handle)
    assert [process for process in processes if process.is_running() and process.status() != "zombie"] == []
    progress = await bench.executor.watch(handle)
    assert progress.state is State.UNKNOWN
    assert "nothing of it runs" in progress.detail


async def test_what_a_dead_supervisor_never_recorded_is_found_by_its_mark_and_ended(
    bench: Bench, tmp_path: Path
) -> None:
    pid_file = tmp_path / "pid"
    handle = await bench.start(
        ("sh", "-c", f"(setsid sh -c 'echo $$ > {pid_file}; exec sleep 100000' &) ; sleep 100000")
    )
    await until(lambda: pid_file.exists() and bool(pid_file.read_text()))
    processes = [command_of(handle), psutil.Process(int(pid_file.read_text()))]
    supervisor_of(handle).kill()
    (Path(handle.where) / "process.json").unlink()
    progress = await bench.end(handle)
    assert all(str(process.pid) in progress.detail for process in processes)
    await bench.executor.cancel(handle)
    assert [process for process in processes if process.is_running() and process.status() != "zombie"] == []
    assert "not on record" in (await bench.executor.watch(handle)).detail


async def test_after_the_machine_restarted_nothing_is_left_to_cancel(bench: Bench) -> None:
    handle = await bench.start(("true",))
    await bench.end(handle)
    run = RunDirectory(Path(handle.where))
    for record in ("ended.json", "process.json"):
        (run.path / record).unlink()
    run.record_begun({**run.begun(), "boot": "the one before"})
    await bench.executor.cancel(handle)
    progress = await bench.executor.watch(handle)
    assert progress.state is State.UNKNOWN
    assert "nothing of it runs" in progress.detail


async def test_without_the_launcher_runs_go_on_and_new_ones_begin(bench: Bench) -> None:
    old = await bench.start(FOREVER)
    launcher_of(old).kill()
    assert (await bench.end(await bench.start(("true",)))).state is State.SUCCEEDED
    assert (await bench.executor.watch(old)).state is State.RUNNING
    await bench.executor.cancel(old)
    assert (await bench.executor.watch(old)).state is State.CANCELLED


async def test_a_launcher_that_hangs_is_replaced(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    launcher_of(await bench.start(FOREVER)).suspend()
    with monkeypatch.context() as impatient:
        impatient.setattr("firstline.executors.command.executor.ANSWER", 0.2)
        impatient.setattr("firstline.executors.command.launcher._PATIENCE", 0.2)
        with pytest.raises(Unavailable):
            await bench.start(("true",), id="again")
    assert (await bench.end(await bench.start(("true",), id="again"))).state is State.SUCCEEDED


async def test_supervisors_are_deaf_to_signals_meant_for_the_hub(bench: Bench) -> None:
    handle = await bench.start(FOREVER)
    supervisor = supervisor_of(handle)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        supervisor.send_signal(number)
    assert (await bench.executor.watch(handle)).state is State.RUNNING
    assert supervisor.is_running()


async def test_the_number_of_a_dead_process_given_to_another_is_left_alone(bench: Bench) -> None:
    stranger = command_of(await bench.start(FOREVER))
    handle = await bench.start(("true",))
    await bench.end(handle)
    run = RunDirectory(Path(handle.where))
    (run.path / "ended.json").unlink()
    run.record_process({"id": stranger.pid, "started": 1})
    await bench.executor.cancel(handle)
    assert stranger.status() == psutil.STATUS_SLEEPING


async def test_the_launcher_ends_with_its_executor(bench: Bench) -> None:
    executor = bench.another()
    handle = await bench.start(FOREVER, executor)
    launcher = launcher_of(handle)
    await executor.aclose()
    assert not launcher.is_running()
    assert (await bench.executor.watch(handle)).state is State.RUNNING
