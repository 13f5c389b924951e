"""What functions take, give and say; and what becomes of those that were lost."""

from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any

import anyio
import psutil
import pytest
from pydantic import SecretStr

from firstline.errors import Rejected
from firstline.executor import Handle, Sandbox, State
from firstline.executors.process import tree
from firstline.executors.process.run_directory import RunDirectory
from firstline.executors.python.executor import PythonExecutor
from firstline.executors.python.settings import PythonSettings
from firstline.testing.executor import Bench, text_of, until
from firstline.testing.peer import need

pytestmark = pytest.mark.anyio


def call(name: str, **arguments: Any) -> dict[str, Any]:
    return {"function": name, "arguments": arguments}


async def test_a_function_gives_its_model_as_outputs_and_logs_as_output(bench: Bench) -> None:
    handle = await bench.start((), id="r1", target="web1", parameters=call("drain", queue="mail", limit="7"))
    progress = await bench.end(handle)
    assert progress.state is State.SUCCEEDED
    assert progress.outputs == {"queue": "mail", "messages": 7, "path": "/var/r1"}
    assert text_of(progress, "stderr") == "INFO drain: draining mail on web1\n"


async def test_an_exception_is_a_failure_in_its_own_words(bench: Bench) -> None:
    progress = await bench.end(await bench.start((), parameters=call("breaking", message="the queue is locked")))
    assert (progress.state, progress.exit_status) == (State.FAILED, 1)
    assert progress.detail == "RuntimeError: the queue is locked"
    assert "in breaking" in text_of(progress, "stderr")


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("drain", {}, "queue: Field required"),
        ("drain", {"queue": "mail", "limit": 0}, "limit: Input should be greater than 0"),
        ("drain", {"queue": "mail", "run": "me"}, "run: Extra inputs are not permitted"),
        ("missing", {}, "no installed package has a function 'missing'; there are: absent, breaking"),
        ("absent", {}, "can't be imported: ModuleNotFoundError"),
        ("twice", {}, "several packages have a function"),
        ("plain", {}, "no async function"),
        ("starred", {}, "has no name that an argument could be given by"),
        ("listed", {}, "must return a pydantic model, a mapping or None"),
        ("unread", {}, "its types can't be read: name 'NoSuchType' is not defined"),
    ],
)
async def test_what_can_not_be_called_is_rejected_in_words(
    bench: Bench, name: str, arguments: dict[str, Any], words: str
) -> None:
    with pytest.raises(Rejected, match=words):
        await bench.start((), parameters=call(name, **arguments))


async def test_a_function_that_is_not_allowed_is_rejected(runs: Path) -> None:
    bench = Bench(lambda: PythonExecutor(PythonSettings(directory=runs, allow=("dr*",))))
    with pytest.raises(Rejected, match="it is not allowed; allowed: dr"):
        await bench.start((), parameters=call("listing"))


async def test_a_dry_run_of_what_has_none_is_rejected(bench: Bench) -> None:
    with pytest.raises(Rejected, match="no dry run"):
        await bench.start((), parameters=call("drain", queue="mail"), dry_run=True)


async def test_secrets_are_given_to_the_function_and_to_no_child_of_it_and_to_no_file(bench: Bench) -> None:
    secret = SecretStr("correct-horse-7731")
    handle = await bench.start((), parameters=call("whispering"), secrets={"TOKEN": secret})
    progress = await bench.end(handle)
    assert progress.outputs == {"length": len("correct-horse-7731"), "in the environment": False}
    assert [file for file in files_of(handle) if b"correct-horse" in file.read_bytes()] == []


def files_of(handle: Handle) -> list[Path]:
    return [file for file in Path(handle.where).rglob("*") if file.is_file()]


async def test_a_function_that_is_stopped_can_tidy_up(bench: Bench, tmp_path: Path) -> None:
    handle = await bench.start((), parameters=call("stopping", place=str(tmp_path)))
    await until((tmp_path / "begun").exists)
    await bench.executor.cancel(handle)
    assert (await bench.executor.watch(handle)).state is State.CANCELLED
    assert (tmp_path / "tidied").exists()


async def test_a_function_in_a_sandbox_gives_outputs_and_changes_nothing_outside(
    bench: Bench, sample: Path, tmp_path: Path
) -> None:
    need("bwrap", package="bubblewrap")
    sandbox = Sandbox(writes=(str(sample),))  # the package is where a sandbox has a directory of its own
    inside = await bench.start((), parameters=call("drain", queue="mail"), sandbox=sandbox)
    outside = await bench.start((), parameters=call("counting", place=str(tmp_path)), sandbox=sandbox)
    assert (await bench.end(inside)).outputs["queue"] == "mail"
    progress = await bench.end(outside)
    assert progress.state is State.SUCCEEDED  # in a directory that only it sees
    assert "bwrap" in progress.surroundings
    assert not (tmp_path / "count").exists()


async def test_doctor_tells_which_functions_can_be_called(bench: Bench) -> None:
    found = {finding.subject: finding for finding in await bench.executor.check()}
    assert found["drain"].ok
    assert not found["plain"].ok
    assert found["plain"].message == "the function plain: it is no async function"


# lost


def supervisor_of(where: Path) -> psutil.Process:
    parent = psutil.Process(RunDirectory(where).process()["id"]).parent()
    assert parent is not None
    return parent


def calls(place: Path) -> list[str]:
    file = place / "calls"
    return file.read_text().splitlines() if file.exists() else []


async def lose(bench: Bench, place: Path, lines: int = 1) -> Handle:
    """A run of a resumable function whose supervisor was killed; the function itself goes on."""
    handle = await bench.start((), id="lost", parameters=call("transferring", place=str(place), lines=lines))
    await until(lambda: printed(handle).count("\n") == lines)
    kill(supervisor_of(Path(handle.where)))
    return handle


def printed(handle: Handle) -> str:
    file = Path(handle.where, "output.0")
    return file.read_text() if file.exists() else ""


def kill(process: psutil.Process) -> None:
    process.kill()
    process.wait()


async def test_a_resumable_function_that_was_lost_begins_again_when_it_is_looked_at(
    bench: Bench, tmp_path: Path
) -> None:
    handle = await lose(bench, tmp_path)
    progress = await bench.end(handle)
    assert progress.state is State.SUCCEEDED
    assert progress.outputs == {"resumed": True}
    assert progress.surroundings.endswith("begun for the 2. time: it was lost before")
    assert [line.split()[0] for line in calls(tmp_path)] == ["lost", "lost"]  # its key is the same
    assert tree.marked(RunDirectory(Path(handle.where)).mark) == []


async def test_a_resumable_function_that_was_lost_begins_again_when_it_is_started_again(
    bench: Bench, tmp_path: Path
) -> None:
    handle = await lose(bench, tmp_path)
    another = bench.another()
    progress = await another.watch(handle)
    assert progress.state is State.UNKNOWN
    assert progress.detail.endswith("starting the step once more does that")
    parameters = call("transferring", place=str(tmp_path))
    assert await bench.start((), another, id="lost", parameters=parameters) == handle
    assert (await bench.end(handle)).state is State.SUCCEEDED


async def test_of_many_who_begin_it_again_one_does(bench: Bench, tmp_path: Path) -> None:
    handle = await lose(bench, tmp_path)
    parameters = call("transferring", place=str(tmp_path))
    async with anyio.create_task_group() as group:
        for executor in (bench.executor, bench.another(), bench.another()):
            for _ in range(3):
                group.start_soon(partial(bench.start, (), executor, id="lost", parameters=parameters))
    assert (await bench.end(handle)).state is State.SUCCEEDED
    assert len(calls(tmp_path)) == 2


async def test_what_was_printed_before_it_was_lost_stays_at_its_offset(bench: Bench, tmp_path: Path) -> None:
    handle = await lose(bench, tmp_path, lines=2)
    progress = await bench.end(handle)
    assert text_of(progress) == "first 0\nfirst 1\nagain 0\nagain 1\n"
    lengths = [len(chunk.text) for chunk in progress.output]
    assert [chunk.offset for chunk in progress.output] == list(accumulate(lengths[:-1], initial=0))
    late = await bench.executor.watch(handle, 20)
    assert [(chunk.offset, chunk.text) for chunk in late.output] == [(20, "n 0\nagain 1\n")]


async def test_what_was_cancelled_after_it_was_lost_does_not_begin_again(bench: Bench, tmp_path: Path) -> None:
    handle = await lose(bench, tmp_path)
    await bench.another().cancel(handle)
    assert await bench.start((), id="lost", parameters=call("transferring", place=str(tmp_path))) == handle
    assert (await bench.end(handle)).state is State.CANCELLED
    assert len(calls(tmp_path)) == 1


async def test_a_run_is_begun_again_so_often_and_no_more(runs: Path, tmp_path: Path) -> None:
    bench = Bench(lambda: PythonExecutor(PythonSettings(directory=runs, kill_grace=0.3, resumptions=0)))
    handle = await lose(bench, tmp_path)
    assert (await bench.end(handle)).state is State.UNKNOWN
    assert len(calls(tmp_path)) == 1
    await bench.aclose()


async def test_a_function_that_is_not_resumable_is_unknown_once_it_was_lost(bench: Bench, tmp_path: Path) -> None:
    parameters = call("stopping", place=str(tmp_path))
    handle = await bench.start((), id="lost", parameters=parameters)
    await until((tmp_path / "begun").exists)
    kill(supervisor_of(Path(handle.where)))
    assert await bench.start((), id="lost", parameters=parameters) == handle
    progress = await bench.end(handle)
    assert progress.state is State.UNKNOWN
    assert "still running" in progress.detail
