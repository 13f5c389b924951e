"""What a command finds around it, what it leaves behind, and what is refused."""

import errno
import os
import signal
import stat
import sys
from pathlib import Path
from typing import Any

import anyio
import psutil
import pytest
from pydantic import ValidationError

from firstline.errors import Rejected, Unknown
from firstline.executor import Handle, State
from firstline.executors.command import CommandExecutor, CommandSettings
from firstline.executors.process.run_directory import RunDirectory, Standing
from firstline.testing.executor import Bench, text_of, until

pytestmark = pytest.mark.anyio


async def say(bench: Bench, program: str, **fields: Any) -> str:
    return text_of(await bench.end(await bench.start(("sh", "-c", program), **fields)))


# what it finds


async def test_a_command_has_no_open_file_but_the_three(bench: Bench) -> None:
    program = "import os; print(sorted(os.listdir('/proc/self/fd')), os.readlink('/proc/self/fd/0'))"
    progress = await bench.end(await bench.start((sys.executable, "-c", program)))
    assert text_of(progress) == "['0', '1', '2', '3'] /dev/null\n"  # 3 is the listing itself


async def test_a_command_leads_a_session_and_works_in_a_fresh_directory(bench: Bench) -> None:
    program = "import os; print(os.getpid() == os.getsid(0) == os.getpgid(0), os.listdir(), os.getcwd())"
    handle = await bench.start((sys.executable, "-c", program))
    assert text_of(await bench.end(handle)) == f"True [] {handle.where}/work\n"


async def test_a_command_works_where_the_step_says(bench: Bench, tmp_path: Path) -> None:
    assert await say(bench, "pwd", directory=str(tmp_path)) == f"{tmp_path}\n"


async def test_a_command_dumps_no_core_and_writes_files_that_only_it_can_change(bench: Bench) -> None:
    assert await say(bench, "ulimit -Hc; umask") == "0\n0022\n"


async def test_a_command_finds_every_signal_as_it_is_at_first(bench: Bench) -> None:
    masks = await say(bench, "grep -E 'Sig(Blk|Ign)' /proc/self/status")
    numbered = (1 << 31) - 1  # above are those the C library keeps for itself
    assert [int(line.split()[1], 16) & numbered for line in masks.splitlines()] == [0, 0]


async def test_a_program_is_found_by_the_path_of_the_step(bench: Bench, tmp_path: Path) -> None:
    script(tmp_path / "greet", "#!/bin/sh\necho hello\n")
    progress = await bench.end(await bench.start(("greet",), environment={"PATH": str(tmp_path)}))
    assert text_of(progress) == "hello\n"


async def test_values_of_the_environment_are_nowhere_on_disk(bench: Bench, runs: Path) -> None:
    await say(bench, "true", environment={"TOKEN": "s3cret-value"})
    assert holders(runs, b"TOKEN")
    assert holders(runs, b"s3cret-value") == []


def holders(directory: Path, word: bytes) -> list[Path]:
    return [file for file in directory.rglob("*") if file.is_file() and word in file.read_bytes()]


async def test_values_of_the_environment_are_in_no_other_process(bench: Bench) -> None:
    handle = await bench.start(("sleep", "100000"), environment={"TOKEN": "s3cret-value"})
    command = psutil.Process(RunDirectory(Path(handle.where)).process()["id"])
    await until(lambda: command.environ().get("TOKEN") == "s3cret-value")
    for process in command.parents()[:2]:
        assert "s3cret-value" not in f"{process.cmdline()}{process.environ()}"


async def test_runs_are_closed_to_other_users(bench: Bench, runs: Path) -> None:
    handle = await bench.start(("true",))
    assert [stat.S_IMODE(path.stat().st_mode) for path in (runs, Path(handle.where))] == [0o700, 0o700]


async def test_the_beginning_is_on_record_before_a_command_runs(bench: Bench) -> None:
    assert await say(bench, "cat ../begun.json", id="recorded") != ""


# what it leaves behind


def process_in(pid_file: Path) -> psutil.Process:
    return psutil.Process(int(pid_file.read_text()))


@pytest.mark.parametrize("status", [0, 1])
async def test_a_daemon_that_a_command_leaves_behind_goes_on(bench: Bench, tmp_path: Path, status: int) -> None:
    pid_file = tmp_path / "pid"
    program = f"setsid sleep 100000 >/dev/null 2>&1 & echo $! > {pid_file}; exit {status}"
    progress = await bench.end(await bench.start(("sh", "-c", program)))
    assert progress.exit_status == status
    daemon = process_in(pid_file)
    assert daemon.status() != psutil.STATUS_ZOMBIE
    daemon.kill()


async def test_a_daemon_that_holds_the_output_delays_no_end_and_may_go_on_writing(bench: Bench, tmp_path: Path) -> None:
    gate, done = tmp_path / "gate", tmp_path / "done"
    os.mkfifo(gate)
    daemon = f"read -r _ < {gate}; head -c 1000000 /dev/zero && echo > {done}"
    progress = await bench.end(await bench.start(("sh", "-c", f"({daemon}) & echo started")))
    assert (progress.state, text_of(progress)) == (State.SUCCEEDED, "started\n")
    gate.write_text("go\n")
    await until(done.exists)


async def test_a_daemon_survives_a_cancel_that_comes_too_late(bench: Bench, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    handle = await bench.start(("sh", "-c", f"sleep 100000 & echo $! > {pid_file}"))
    await bench.end(handle)
    run = RunDirectory(Path(handle.where))
    run.ask_to_cancel()
    await until(lambda: not is_listened_to(run.control))
    run.ask_to_cancel()
    await bench.executor.cancel(handle)
    daemon = process_in(pid_file)
    assert daemon.status() != psutil.STATUS_ZOMBIE
    daemon.kill()


def is_listened_to(fifo: Path) -> bool:
    try:
        os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        return False
    return True


async def test_who_ignores_the_polite_signal_is_killed_after_the_grace(bench: Bench, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    handle = await bench.start(("sh", "-c", f"trap '' TERM; echo > {ready}; while :; do sleep 100000; done"))
    await until(ready.exists)
    await bench.executor.cancel(handle)
    progress = await bench.executor.watch(handle)
    assert (progress.state, progress.exit_status) == (State.CANCELLED, 128 + signal.SIGKILL)


async def test_who_tidies_up_within_the_grace_is_let(bench: Bench, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    handle = await bench.start(
        ("sh", "-c", f"trap 'echo tidy; exit 4' TERM; echo > {ready}; while :; do sleep 0.01; done")
    )
    await until(ready.exists)
    await bench.executor.cancel(handle)
    progress = await bench.executor.watch(handle)
    assert (progress.state, progress.exit_status, text_of(progress, "stdout")) == (State.CANCELLED, 4, "tidy\n")


async def test_a_stopped_process_is_ended_too(bench: Bench) -> None:
    handle = await bench.start(("sleep", "100000"))
    psutil.Process(RunDirectory(Path(handle.where)).process()["id"]).suspend()
    await bench.executor.cancel(handle)
    assert (await bench.executor.watch(handle)).state is State.CANCELLED


async def test_processes_that_go_on_forking_are_ended(bench: Bench, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    program = f"fork() {{ trap '' TERM; (fork) & echo $$ >> {seen}; sleep 0.01; }}; fork; exec sleep 100000"
    handle = await bench.start(("sh", "-c", program))
    await until(lambda: seen.exists() and seen.read_text().count("\n") > 5)
    await bench.executor.cancel(handle)
    assert (await bench.executor.watch(handle)).state is State.CANCELLED
    leader = RunDirectory(Path(handle.where)).process()["id"]
    assert [process for process in psutil.process_iter() if os.getsid(process.pid) == leader] == []


async def test_a_command_that_a_signal_ends_has_failed_with_128_and_its_number(bench: Bench) -> None:
    progress = await bench.end(await bench.start(("sh", "-c", "kill -SEGV $$")))
    assert (progress.state, progress.exit_status) == (State.FAILED, 128 + signal.SIGSEGV)
    assert "SIGSEGV" in progress.detail


# waiting


async def test_waiting_returns_with_the_end(bench: Bench, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    executor = bench.executor
    assert isinstance(executor, CommandExecutor)
    handle = await bench.start(("sh", "-c", f"read -r _ < {gate}"))
    await executor.wait(handle, 0.01)
    assert (await executor.watch(handle)).state is State.RUNNING
    with anyio.fail_after(30):
        async with anyio.create_task_group() as group:
            group.start_soon(executor.wait, handle, 1000)
            group.start_soon(executor.wait, handle, 1000)
            await anyio.to_thread.run_sync(gate.write_text, "go\n")
    assert (await executor.watch(handle)).state is State.SUCCEEDED


# what is refused


def script(path: Path, text: str, mode: int = 0o755) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


async def test_a_file_that_may_not_be_executed_is_rejected(bench: Bench, tmp_path: Path, runs: Path) -> None:
    with pytest.raises(Rejected, match="may be executed"):
        await bench.start((str(script(tmp_path / "plain", "x", 0o644)),))
    assert holders(runs, b"") == []


@pytest.mark.parametrize(("text", "status"), [("#!/no/such/interpreter\n", 127), ("no first line\n", 126)])
async def test_a_script_that_the_kernel_refuses_has_failed_as_in_a_shell(
    bench: Bench, tmp_path: Path, text: str, status: int
) -> None:
    handle = await bench.start((str(script(tmp_path / "broken", text)),), id="broken")
    progress = await bench.end(handle)
    assert (progress.state, progress.exit_status) == (State.FAILED, status)
    assert "broken" in progress.detail
    assert await bench.start((str(tmp_path / "broken"),), id="broken") == handle


@pytest.mark.parametrize("directory", ["/no/such/place", "relative", "/etc/passwd"])
async def test_a_working_directory_that_is_none_is_rejected(bench: Bench, directory: str) -> None:
    with pytest.raises(Rejected, match="working directory"):
        await bench.start(("true",), directory=directory)


@pytest.mark.parametrize("name", [".", "..", ".hidden", "a/b", ""])
async def test_an_id_that_is_a_way_out_of_the_directory_is_no_id_of_a_step(bench: Bench, name: str) -> None:
    with pytest.raises(ValidationError, match="id"):
        await bench.start(("true",), id=name)


async def test_a_run_that_began_is_found_when_its_program_is_gone(bench: Bench, tmp_path: Path) -> None:
    program = script(tmp_path / "once", "#!/bin/sh\n")
    handle = await bench.start((str(program),), id="once")
    program.unlink()
    assert await bench.start((str(program),), id="once") == handle


# what is not begun yet, or not there


def prepared(runs: Path, name: str) -> RunDirectory:
    """As the hub leaves it when it dies between making the directory and asking the launcher."""
    run = RunDirectory(runs / name)
    run.make()
    return run


async def test_a_directory_without_a_beginning_is_begun(bench: Bench, runs: Path) -> None:
    prepared(runs, "half")
    assert (await bench.end(await bench.start(("true",), id="half"))).state is State.SUCCEEDED


async def test_what_is_cancelled_before_it_began_never_begins(bench: Bench, runs: Path, tmp_path: Path) -> None:
    run = prepared(runs, "half")
    handle = Handle(executor="command", step="half", where=str(run.path))
    assert "never begun" in (await bench.executor.watch(handle)).detail
    await bench.executor.cancel(handle)
    assert await bench.start(("touch", str(tmp_path / "touched")), id="half") == handle
    assert (await bench.executor.watch(handle)).state is State.CANCELLED
    assert run.standing() is Standing.ENDED
    assert not (tmp_path / "touched").exists()


async def test_a_start_waits_for_whoever_holds_the_lock_and_then_looks_again(bench: Bench, runs: Path) -> None:
    run = prepared(runs, "taken")
    lock = run.lock()
    assert lock is not None
    async with anyio.create_task_group() as group:
        group.start_soon(start_taken, bench)
        await anyio.wait_all_tasks_blocked()
        run.record_ended({"state": "cancelled"})
        os.close(lock)
    assert not (run.path / "begun.json").exists()


async def start_taken(bench: Bench) -> None:
    await bench.start(("true",), id="taken")


async def test_cancelling_what_is_not_there_is_unknown(bench: Bench, runs: Path) -> None:
    with pytest.raises(Unknown):
        await bench.executor.cancel(Handle(executor="command", step="x", where=str(runs / "x")))


async def test_a_relative_directory_is_meant_from_where_the_hub_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    bench = Bench(lambda: CommandExecutor(CommandSettings(directory=Path("state/runs"))))
    handle = await bench.start(("true",), id="here")
    assert handle.where == f"{tmp_path}/state/runs/here"
    await bench.aclose()
