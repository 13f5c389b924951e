"""What becomes of runs where the hub may hardly open a file more."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from firstline.errors import Unavailable
from firstline.executor import State
from firstline.testing.executor import Bench

pytestmark = pytest.mark.anyio


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@contextmanager
def no_file_more() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_a_run_that_can_open_no_file_begins_later_and_once(bench: Bench, tmp_path: Path) -> None:
    run = ("sh", "-c", f"echo >> {tmp_path}/begun")
    await bench.end(await bench.start(("true",)))  # the machine's tools are known by now
    with no_file_more(), pytest.raises(Unavailable, match="can't begin"):
        await bench.start(run, id="later")
    assert (await bench.end(await bench.start(run, id="later"))).state is State.SUCCEEDED
    assert (tmp_path / "begun").read_text() == "\n"


async def test_a_run_that_can_not_be_looked_at_is_not_called_unknown(bench: Bench) -> None:
    handle = await bench.start(("true",))
    with no_file_more(), pytest.raises(Unavailable, match="Too many open files"):
        await bench.executor.watch(handle)
    assert (await bench.end(handle)).state is State.SUCCEEDED


async def test_what_is_kept_open_does_not_grow_with_the_runs(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firstline.executors.command.executor.CHANNELS", 2)
    handles = [await bench.start(("sleep", "0.2")) for _ in range(2)]
    before = open_files()
    handles += [await bench.start(("sleep", "0.2")) for _ in range(5)]
    assert open_files() == before
    for handle in handles:
        await bench.executor.wait(handle, 0.01)
        assert (await bench.end(handle)).state is State.SUCCEEDED
