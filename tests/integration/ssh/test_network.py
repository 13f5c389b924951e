"""What becomes of runs while the network, the host or its files go."""

import shutil
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import anyio
import asyncssh
import psutil
import pytest
from tests.integration.ssh.conftest import Web1, executor_for
from tests.integration.ssh.wire import Wire, wire

from firstline.errors import Unavailable, Unknown
from firstline.executor import Handle, State, Step
from firstline.executors.process.run_directory import RunDirectory
from firstline.testing.executor import PATIENCE, Bench, text_of, until
from firstline.testing.sshd import Sshd

pytestmark = pytest.mark.anyio

FOREVER = ("sh", "-c", "echo here; exec sleep 100000")


@pytest.fixture
def line(sshd: Sshd) -> Iterator[Wire]:
    with wire(sshd.address, sshd.port) as made:
        yield made


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "kept"


@pytest.fixture
async def bench(sshd: Sshd, line: Wire, kept: Path, tmp_path: Path) -> AsyncIterator[Bench]:
    """Over a line that can be cut, with little patience. Keys are pinned in a file."""
    (tmp_path / "known_hosts").write_text(f"web1 {sshd.host_key}\n")
    bench = Web1(
        lambda: executor_for(
            sshd,
            hosts={"web1": {"address": sshd.address, "port": line.port}},
            known_hosts=str(tmp_path / "known_hosts"),
            keepalive=0.2,
            patience=0.3,
            remote_directory=str(kept),
        )
    )
    yield bench
    line.refuses = False
    (tmp_path / "known_hosts").write_text(f"web1 {sshd.host_key}\n")
    await bench.aclose()


def counting(tmp_path: Path) -> tuple[str, ...]:
    return ("sh", "-c", f"echo >> {tmp_path}/count; exec sleep 100000")


def count(tmp_path: Path) -> int:
    file = tmp_path / "count"
    return len(file.read_text()) if file.exists() else 0


async def test_a_run_goes_on_while_the_line_is_cut_and_is_found_again(bench: Bench, line: Wire, tmp_path: Path) -> None:
    handle = await bench.start(
        ("sh", "-c", f"echo first; while [ ! -e {tmp_path}/go ]; do sleep 0.01; done; echo second")
    )
    line.refuses = True
    line.cut()
    with pytest.raises(Unavailable, match="can't be reached"):
        await bench.executor.watch(handle)
    (tmp_path / "go").touch()
    line.refuses = False
    assert text_of(await bench.end(handle)) == "first\nsecond\n"


async def test_a_cut_that_is_over_at_once_is_not_noticed(bench: Bench, line: Wire) -> None:
    handle = await bench.start(FOREVER)
    line.cut()
    assert (await bench.executor.watch(handle)).state is State.RUNNING


async def test_a_line_that_fell_silent_is_given_up_for_a_new_one(bench: Bench, line: Wire) -> None:
    handle = await bench.start(FOREVER)
    line.freeze()
    assert (await bench.executor.watch(handle)).state is State.RUNNING


async def test_waiting_over_a_broken_line_takes_its_time_and_raises_nothing(bench: Bench, line: Wire) -> None:
    handle = await bench.start(FOREVER)
    line.refuses = True
    line.cut()
    with anyio.fail_after(PATIENCE):
        await bench.executor.wait(handle, 0.1)


async def test_a_start_that_never_arrived_is_sent_again(bench: Bench, line: Wire, tmp_path: Path) -> None:
    await bench.end(await bench.start(("true",)))
    line.freeze()
    await bench.start(counting(tmp_path))
    await until(lambda: count(tmp_path) == 1)


async def test_a_start_whose_answer_is_lost_begins_once(bench: Bench, line: Wire, tmp_path: Path) -> None:
    await bench.end(await bench.start(("true",)))
    line.swallow_answers()
    handle = await bench.start(counting(tmp_path))
    await until(lambda: count(tmp_path) == 1)
    assert (await bench.executor.watch(handle)).state is State.RUNNING
    assert count(tmp_path) == 1


async def lose_the_start(bench: Bench, line: Wire, tmp_path: Path) -> None:
    """It begins, its answer is lost, and the host can't be reached any more."""
    await bench.end(await bench.start(("true",)))
    line.swallow_answers()
    line.refuses = True
    with pytest.raises(Unavailable, match="may have begun"):
        await bench.start(counting(tmp_path), id="lost")
    await until(lambda: count(tmp_path) == 1)


async def test_a_start_that_may_have_begun_is_found_when_it_is_asked_for_again(
    bench: Bench, line: Wire, tmp_path: Path
) -> None:
    await lose_the_start(bench, line, tmp_path)
    line.refuses = False
    handle = await bench.start(counting(tmp_path), id="lost")
    assert (await bench.executor.watch(handle)).state is State.RUNNING
    assert count(tmp_path) == 1


async def test_a_start_that_may_have_begun_where_the_hub_is_refused_since_is_unknown(
    bench: Bench, line: Wire, tmp_path: Path
) -> None:
    await lose_the_start(bench, line, tmp_path)
    line.refuses = False
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    (tmp_path / "known_hosts").write_text(f"web1 {other}")
    with pytest.raises(Unknown, match=r"not the one pinned.*can't be seen"):
        await bench.start(counting(tmp_path), id="lost")


async def test_a_host_whose_key_changed_since_says_nothing_of_its_runs(bench: Bench, tmp_path: Path) -> None:
    handle = await bench.start(FOREVER)
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    (tmp_path / "known_hosts").write_text(f"web1 {other}")
    another = bench.another()
    for ask in (partial(another.watch, handle), partial(another.cancel, handle)):
        with pytest.raises(Unavailable, match="not the one pinned"):
            await ask()


async def test_a_start_that_was_never_sent_is_unavailable(bench: Bench, line: Wire, tmp_path: Path) -> None:
    line.refuses = True
    with pytest.raises(Unavailable) as caught:
        await bench.start(counting(tmp_path))
    assert "may have begun" not in str(caught.value)
    assert count(tmp_path) == 0


# the host


async def test_after_the_host_was_started_again_a_run_is_unknown(bench: Bench, kept: Path) -> None:
    handle = await bench.start(("true",))
    await bench.end(handle)
    run = RunDirectory(kept / "runs" / handle.step)
    (run.path / "ended.json").unlink()
    run.record_begun({**run.begun(), "boot": "the one before"})
    progress = await bench.executor.watch(handle)
    assert progress.state is State.UNKNOWN
    assert "the machine went down" in progress.detail
    await bench.executor.cancel(handle)


async def test_without_its_launcher_an_agent_makes_way_for_another(bench: Bench, kept: Path) -> None:
    handle = await bench.start(FOREVER)
    run = RunDirectory(kept / "runs" / handle.step)
    await until(lambda: bool(run.process()))
    _, launcher, *_ = psutil.Process(run.process()["id"]).parents()
    launcher.kill()
    assert (await bench.end(await bench.start(("true",)))).state is State.SUCCEEDED
    assert (await bench.executor.watch(handle)).state is State.RUNNING


async def test_a_run_whose_directory_is_gone_is_unknown(bench: Bench, kept: Path) -> None:
    handle = await bench.start(("true",))
    await bench.end(handle)
    shutil.rmtree(kept / "runs" / handle.step)
    progress = await bench.executor.watch(handle)
    assert (progress.state, progress.detail) == (State.UNKNOWN, "there is no such run here")
    with pytest.raises(Unknown, match="no such run"):
        await bench.executor.cancel(handle)


async def test_an_address_that_is_none_is_unknown(bench: Bench) -> None:
    with pytest.raises(Unknown, match="no address of a run"):
        await bench.executor.watch(Handle(executor="ssh", step="x", where="somewhere"))


async def test_what_is_kept_is_removed_in_time_and_never_begins_again(
    sshd: Sshd, bench: Bench, kept: Path, tmp_path: Path
) -> None:
    run = ("sh", "-c", f"echo >> {tmp_path}/count; echo done")
    handle = await bench.start(run, id="old")
    seen = await bench.end(handle)
    tidy = executor_for(sshd, remote_directory=str(kept), keep=1e-9)
    await tidy.start(Step(id="old", run=run, target="web1"))
    await until((kept / "runs" / "old" / "stripped").exists)
    await tidy.aclose()
    progress = await bench.end(await bench.start(run, id="old"))
    assert (progress.state, text_of(progress)) == (seen.state, "")
    assert "no longer kept" in progress.detail
    assert count(tmp_path) == 1
