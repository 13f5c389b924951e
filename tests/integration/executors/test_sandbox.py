"""What a sandboxed command can't do, with bwrap and without."""

import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
import pytest

from firstline.errors import Rejected
from firstline.executor import Handle, Progress, Sandbox, State
from firstline.executors.command import CommandExecutor, CommandSettings, tool
from firstline.executors.command.tool import find_tools
from firstline.executors.process.run_directory import RunDirectory
from firstline.testing.executor import Bench, text_of, until
from firstline.testing.peer import need, without

pytestmark = pytest.mark.anyio

CLOSED = Sandbox()


@pytest.fixture(autouse=True)
def _bwrap() -> None:
    need("bwrap", package="bubblewrap")
    if reason := find_tools().without:
        without(reason)


async def run(bench: Bench, program: str, **fields: Any) -> Progress:
    return await bench.end(await bench.start(("sh", "-c", program), **{"sandbox": CLOSED, **fields}))


Benches = Callable[..., Bench]


@pytest.fixture
async def with_settings() -> AsyncIterator[Benches]:
    """`with_settings(runs, **settings)`: a bench like the usual one, closed with the test."""
    async with AsyncExitStack() as stack:

        def make(runs: Path, **settings: Any) -> Bench:
            bench = Bench(lambda: CommandExecutor(CommandSettings(directory=runs, kill_grace=0.3, **settings)))
            stack.push_async_callback(bench.aclose)
            return bench

        yield make


@pytest.fixture
def listener() -> Iterator[int]:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server.getsockname()[1]


# what it can't, and what it can


async def test_it_writes_to_its_own_directory_and_nowhere_else(bench: Bench, tmp_path: Path) -> None:
    progress = await run(bench, f"touch own && ! touch /etc/x {tmp_path}/x /usr/x && cat own")
    assert progress.state is State.SUCCEEDED, progress
    assert progress.surroundings == "bwrap: no network, writes to its own directory"
    assert not (tmp_path / "x").exists()


async def test_it_writes_where_it_may(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    writes = (str(tmp_path / "log"),)
    progress = await run(bench, f"echo done > {tmp_path}/log/file", sandbox=Sandbox(writes=writes))
    assert progress.state is State.SUCCEEDED, progress
    assert (tmp_path / "log" / "file").read_text() == "done\n"
    assert f"writes to {tmp_path}/log" in progress.surroundings


async def test_its_temporary_files_are_its_own(bench: Bench, tmp_path: Path) -> None:
    name = f"firstline-{os.getpid()}"
    progress = await run(bench, f"touch /tmp/{name} /var/tmp/{name} && ls -A /tmp")
    assert name in text_of(progress)
    assert not any(os.access(f"{folder}/{name}", os.F_OK) for folder in ("/tmp", "/var/tmp"))


@pytest.mark.parametrize("network", [False, True])
async def test_it_has_a_network_only_where_it_asks(bench: Bench, listener: int, *, network: bool) -> None:
    program = f"exec python3 -c 'import socket; socket.create_connection((\"127.0.0.1\", {listener}), 5)'"
    progress = await run(bench, program, sandbox=Sandbox(network=network))
    assert progress.state is (State.SUCCEEDED if network else State.FAILED), progress
    assert progress.surroundings.startswith("bwrap: network" if network else "bwrap: no network")


async def test_it_sees_and_reaches_no_process_of_others(bench: Bench) -> None:
    progress = await run(bench, f"ls -d /proc/{os.getpid()}; kill -0 {os.getpid()}; ls -d /proc/[0-9]* | wc -l")
    assert int(text_of(progress, "stdout").split()[-1]) < 8, progress


async def test_it_sees_no_other_runs_no_sockets_of_services_and_nothing_hidden(
    with_settings: Benches, runs: Path, tmp_path: Path
) -> None:
    folder, file = tmp_path / "state", tmp_path / "key"
    folder.mkdir()
    (folder / "secret").touch()
    file.write_text("s3cret-value")
    bench = with_settings(runs, hidden=(folder, file, tmp_path / "absent"))
    await bench.end(await bench.start(("true",), id="other"))
    progress = await run(bench, f"ls {runs} {folder} /run; cat {file}; true", id="own")
    assert text_of(progress, "stdout") == f"/run:\n\n{runs}:\nown\n\n{folder}:\n"


async def test_root_in_it_can_not_undo_it(bench: Bench) -> None:
    progress = await run(
        bench,
        "mount -o remount,rw / || umount /tmp || mknod x b 1 1 || { cd /proc/sys/vm && cat swappiness > swappiness; }",
    )
    assert progress.state is State.FAILED, progress
    assert "CapEff:\t0000000000000000" not in text_of(progress)


async def test_its_folder_and_its_working_directory_are_there_to_read(bench: Bench, tmp_path: Path) -> None:
    script = tmp_path / "pack" / "greet"
    script.parent.mkdir()
    script.write_text("#!/bin/sh\npwd; touch $0.x || cat beside\n")
    script.chmod(0o755)
    (tmp_path / "pack" / "beside").write_text("hello\n")
    folder = str(tmp_path / "pack")
    progress = await bench.end(await bench.start(("./greet",), folder=folder, directory=folder, sandbox=CLOSED))
    assert text_of(progress, "stdout") == f"{folder}\nhello\n"


async def test_its_exit_status_is_the_commands(bench: Bench) -> None:
    assert (await run(bench, "exit 7")).exit_status == 7
    assert (await run(bench, "kill -9 $$")).exit_status == 137


async def test_its_outputs_arrive(bench: Bench) -> None:
    assert (await run(bench, "echo pid=12 >> $FIRSTLINE_OUTPUT")).outputs == {"pid": "12"}


# its end


def lasting(place: Path) -> str:
    """Two workers, one of them a daemon; each leaves a file."""
    return f"(setsid sh -c 'touch {place}/one; exec sleep 98765' &); touch {place}/two; exec sleep 98765"


def workers(handle: Handle) -> list[psutil.Process]:
    mark = str(RunDirectory(Path(handle.where)).outputs)
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("FIRSTLINE_OUTPUT") == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.fixture
def open_place(tmp_path: Path) -> Path:
    """Where a sandboxed command may write."""
    place = tmp_path / "place"
    place.mkdir()
    return place


async def begun(bench: Bench, place: Path, **fields: Any) -> Handle:
    handle = await bench.start(("sh", "-c", lasting(place)), sandbox=Sandbox(writes=(str(place),)), **fields)
    await until(lambda: len(list(place.iterdir())) == 2)
    return handle


async def test_cancelling_ends_all_of_it(bench: Bench, open_place: Path) -> None:
    handle = await begun(bench, open_place)
    assert len(workers(handle)) >= 2
    await bench.executor.cancel(handle)
    assert workers(handle) == []
    assert (await bench.executor.watch(handle)).state is State.CANCELLED


async def test_time_that_is_up_ends_all_of_it(bench: Bench, open_place: Path) -> None:
    writes = Sandbox(writes=(str(open_place),))
    handle = await bench.start(("sh", "-c", lasting(open_place)), sandbox=writes, timeout=0.7)
    assert (await bench.end(handle)).state is State.TIMED_OUT
    assert workers(handle) == []


async def test_without_a_supervisor_it_is_found_and_ended(bench: Bench, open_place: Path) -> None:
    handle = await begun(bench, open_place)
    supervisor = psutil.Process(RunDirectory(Path(handle.where)).process()["id"]).parent()
    assert supervisor is not None
    supervisor.kill()
    assert "still running" in (await bench.end(handle)).detail
    await bench.executor.cancel(handle)
    assert workers(handle) == []


async def test_who_tidies_up_within_the_grace_is_let_and_asked_for_the_status(bench: Bench, open_place: Path) -> None:
    place = open_place
    program = f"trap 'echo tidy; exit 4' TERM; touch {place}/ready; while :; do sleep 0.01; done"
    handle = await bench.start(("sh", "-c", program), sandbox=Sandbox(writes=(str(place),)))
    await until((place / "ready").exists)
    await bench.executor.cancel(handle)
    progress = await bench.executor.watch(handle)
    assert (progress.state, progress.exit_status, text_of(progress, "stdout")) == (State.CANCELLED, 4, "tidy\n")


async def test_a_daemon_that_it_leaves_behind_goes_on_and_keeps_its_walls(bench: Bench, open_place: Path) -> None:
    place = open_place
    os.mkfifo(place / "gate")
    daemon = f"read -r _ < {place}/gate; touch /etc/x 2>/dev/null || touch {place}/done"
    program = f"setsid sh -c '{daemon}' >/dev/null 2>&1 &"
    handle = await bench.start(("sh", "-c", program), sandbox=Sandbox(writes=(str(place),)))
    assert (await bench.end(handle)).state is State.SUCCEEDED
    (place / "gate").write_text("go\n")
    await until((place / "done").exists)
    await until(lambda: workers(handle) == [])


# where it can't be had


@pytest.mark.parametrize("path", ["relative", "/no/such/place", "/", "/usr/.."])
async def test_what_it_may_write_to_is_something_that_is_there(bench: Bench, path: str) -> None:
    with pytest.raises(Rejected, match="can't let it write"):
        await run(bench, "true", sandbox=Sandbox(writes=(path,)))


async def test_where_each_step_must_have_one_it_gets_a_closed_one(with_settings: Benches, runs: Path) -> None:
    bench = with_settings(runs, required=True)
    progress = await run(bench, "touch /etc/x", sandbox=None)
    assert (progress.state, progress.surroundings[:17]) == (State.FAILED, "bwrap: no network")


async def test_where_it_is_switched_off_nothing_is_held(with_settings: Benches, runs: Path, tmp_path: Path) -> None:
    bench = with_settings(runs, sandbox="none")
    progress = await run(bench, f"touch {tmp_path}/x")
    assert (progress.state, progress.surroundings) == (State.SUCCEEDED, "no sandbox: switched off by the settings")


@pytest.fixture
def no_bwrap(monkeypatch: pytest.MonkeyPatch) -> None:
    which = tool._which
    monkeypatch.setattr(tool, "_which", lambda program: "" if program == "bwrap" else which(program))


@pytest.mark.usefixtures("no_bwrap")
@pytest.mark.parametrize("settings", [{"required": True}, {"sandbox": "bwrap"}])
async def test_where_it_is_a_must_and_there_is_no_bwrap_nothing_begins(
    with_settings: Benches, runs: Path, tmp_path: Path, settings: dict[str, Any]
) -> None:
    bench = with_settings(runs, **settings)
    with pytest.raises(Rejected, match="bwrap is not installed"):
        await run(bench, f"touch {tmp_path}/x")
    assert not (tmp_path / "x").exists()
    (finding,) = [each for each in await bench.executor.check() if each.subject == "sandbox"]
    assert (finding.ok, "bubblewrap" in finding.mend) == (False, True)


@pytest.mark.usefixtures("no_bwrap")
async def test_without_bwrap_it_has_no_network_and_what_is_not_held_is_said(bench: Bench, listener: int) -> None:
    connect = f"python3 -c 'import socket; socket.create_connection((\"127.0.0.1\", {listener}), 5)'"
    progress = await run(bench, f"grep NoNewPrivs /proc/self/status; ! {connect} 2>/dev/null && mount -o remount,rw /")
    assert progress.state is State.FAILED
    assert text_of(progress, "stdout") == "NoNewPrivs:\t1\n"
    assert "unshare: no network; setpriv: no new privileges" in progress.surroundings
    assert "not held: where it writes, what it sees (bwrap is not installed)" in progress.surroundings


# another account


@pytest.fixture
def account_runs() -> Iterator[Path]:
    """A place that other accounts can get to; pytest's own are closed."""
    if os.geteuid():
        without("only root may run commands as somebody else")
    with TemporaryDirectory() as name:
        Path(name).chmod(0o711)
        runs = Path(name, "runs")
        runs.mkdir(mode=0o711)
        yield runs


@pytest.mark.parametrize("sandbox", [None, CLOSED])
async def test_commands_run_as_the_account_of_the_settings(
    with_settings: Benches, account_runs: Path, sandbox: Sandbox | None
) -> None:
    bench = with_settings(account_runs, user="nobody")
    program = (
        "id -un; grep -c '^CapEff:.0*$' /proc/self/status; touch own; echo a=b > $FIRSTLINE_OUTPUT; cat ../begun.json"
    )
    progress = await run(bench, program, sandbox=sandbox)
    assert text_of(progress, "stdout") == "nobody\n1\n", progress
    assert progress.outputs == {"a": "b"}, progress
    assert "as nobody" in progress.surroundings
    assert all(finding.ok for finding in await bench.executor.check())


async def test_an_account_that_can_not_get_to_its_runs_is_rejected(with_settings: Benches, account_runs: Path) -> None:
    os.chmod(account_runs, 0o700)  # noqa: PTH101
    bench = with_settings(account_runs, user="nobody")
    with pytest.raises(Rejected, match="can't get to"):
        await run(bench, "true")
    assert [finding.mend for finding in await bench.executor.check() if not finding.ok] != []


async def test_an_account_that_is_none_is_rejected(with_settings: Benches, runs: Path) -> None:
    bench = with_settings(runs, user="no-such-account")
    with pytest.raises(Rejected, match="no-such-account"):
        await run(bench, "true")
    assert [finding.subject for finding in await bench.executor.check() if not finding.ok] == ["account"]
