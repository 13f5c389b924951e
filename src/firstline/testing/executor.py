"""The suite that every executor passes. Subclass it beside the executor, say how to make one, and run pytest.

What the steps run are small shell programs that leave traces in a folder. An executor that runs something else, or
elsewhere, overrides the methods that give them and read their traces."""

import shlex
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import anyio
import pytest

from firstline.errors import Rejected, Unknown
from firstline.executor import Chunk, Executor, Handle, Progress, State, Step
from firstline.executors.process import tree

Run = tuple[str, ...]
PATIENCE = 30.0  # seconds until a test gives up


async def until(condition: Callable[[], bool]) -> None:
    """Return when it holds; fail when it does not within `PATIENCE`."""
    with anyio.fail_after(PATIENCE):
        while not condition():  # noqa: ASYNC110 - another process makes it hold
            await anyio.sleep(0.005)


class Bench:
    """Executors over one folder, and the runs they began; all of it is ended with the test."""

    def __init__(self, make: Callable[[], Executor[Any]]) -> None:
        self._make = make
        self._executors: list[Executor[Any]] = []
        self._handles: list[Handle] = []
        self.executor = self.another()

    def another(self) -> Executor[Any]:
        """One that knows of the others' runs only what they left, as after a restart."""
        self._executors.append(self._make())
        return self._executors[-1]

    async def start(self, run: Run, executor: Executor[Any] | None = None, **fields: Any) -> Handle:
        step = Step(**{"id": uuid4().hex, "run": run, "timeout": PATIENCE, **fields})
        handle = await (executor or self.executor).start(step)
        self._handles.append(handle)
        return handle

    async def end(self, handle: Handle, offset: int = 0) -> Progress:
        """Watch as the hub does until it has ended and all is read: the last progress, with the output of all."""
        chunks: list[Chunk] = []
        with anyio.fail_after(PATIENCE):
            while True:
                progress = await self.executor.watch(handle, offset)
                chunks += progress.output
                offset = progress.offset
                if progress.more:
                    continue
                if progress.state.ended:
                    return progress.model_copy(update={"output": tuple(chunks)})
                await anyio.sleep(0.005)

    async def aclose(self) -> None:
        for handle in self._handles:
            with suppress(Unknown):  # some tests make it so
                await self.executor.cancel(handle)
        for executor in self._executors:
            await executor.aclose()


class ExecutorContract(ABC):
    """What the hub relies on, whatever runs the step. Where an engine can't give all of it, its class says so."""

    pytestmark = pytest.mark.anyio
    bench_of: ClassVar[type[Bench]] = Bench  # says how this executor is told what to run
    has_exit_status: ClassVar[bool] = True
    has_two_streams: ClassVar[bool] = True
    has_lines: ClassVar[bool] = False  # a last line without its break gets one
    takes_environment: ClassVar[bool] = True

    @abstractmethod
    def make(self, place: Path) -> Executor[Any]:
        """An executor that keeps what it must keep in `place`; the next for the same place finds it there. It stops
        what is to be stopped within a second."""

    def whitelist(self) -> set[str]:
        """The names of the variables that a command has without the step naming them."""
        return set()

    def shown(self, text: str) -> str:
        """What is seen of a text that was written."""
        return f"{text}\n" if self.has_lines and text and not text.endswith("\n") else text

    def printing(self, stdout: str, stderr: str = "") -> Run:
        """Writes both and succeeds."""
        return _shell(f"printf %s {shlex.quote(stdout)}; printf %s {shlex.quote(stderr)} >&2")

    def failing(self, status: int) -> Run:
        return _shell(f"exit {status}")

    def counting(self, place: Path) -> Run:
        """Adds one to `count` and succeeds."""
        return _shell(f"echo >> {place}/count")

    def count(self, place: Path) -> int:
        file = place / "count"
        return len(file.read_text()) if file.exists() else 0

    def lasting(self, place: Path) -> Run:
        """Never ends. So does a descendant, which has left its group, its session and its parent."""
        sleep = f"echo $$ >> {place}/workers; exec sleep 100000"
        return _shell(f"(setsid sh -c {shlex.quote(sleep)} &); {sleep}")

    def workers(self, place: Path) -> list[int]:
        """Who has ever worked in `lasting`: two for each run."""
        file = place / "workers"
        return [int(line) for line in file.read_text().split()] if file.exists() else []

    def left(self, place: Path) -> list[int]:
        """Who of them works still."""
        found = [tree.look(worker) for worker in self.workers(place)]
        return [process.id for process in found if process and process.state != "Z"]

    def waiting(self, place: Path) -> Run:
        """Writes `first`, waits for `release`, writes `second`."""
        return _shell(f"mkfifo {place}/gate; echo first; read -r _ < {place}/gate; echo second")

    def release(self, place: Path) -> None:
        (place / "gate").write_text("go\n")

    def listing(self) -> Run:
        """Writes its environment, a line for each variable: NAME=value."""
        return ("env",)

    @pytest.fixture
    def place(self, tmp_path: Path) -> Path:
        return tmp_path

    @pytest.fixture
    async def bench(self, place: Path) -> AsyncIterator[Bench]:
        bench = self.bench_of(lambda: self.make(place))
        yield bench
        await bench.aclose()

    # how it ends

    async def test_a_step_that_succeeds_has_succeeded_with_its_output(self, bench: Bench) -> None:
        progress = await bench.end(await bench.start(self.printing("done\n")))
        assert (progress.state, progress.exit_status) == (State.SUCCEEDED, 0 if self.has_exit_status else None)
        assert text_of(progress) == "done\n"

    @pytest.mark.parametrize("status", [1, 3, 255])
    async def test_a_step_that_fails_has_failed_with_its_exit_status(self, bench: Bench, status: int) -> None:
        progress = await bench.end(await bench.start(self.failing(status)))
        assert (progress.state, progress.exit_status) == (State.FAILED, status if self.has_exit_status else None)
        assert progress.detail

    async def test_an_end_has_its_times(self, bench: Bench) -> None:
        progress = await bench.end(await bench.start(self.printing("x")))
        assert progress.started_at is not None
        assert progress.ended_at is not None
        assert progress.started_at <= progress.ended_at

    async def test_a_program_that_is_not_there_is_rejected(self, bench: Bench) -> None:
        with pytest.raises(Rejected, match="no-such-program"):
            await bench.start(("no-such-program",))

    async def test_a_run_that_nobody_knows_is_unknown(self, bench: Bench) -> None:
        known = await bench.start(self.printing("x"))
        unknown = known.model_copy(update={"step": "other", "where": known.where + "-other"})
        progress = await bench.executor.watch(unknown)
        assert progress.state is State.UNKNOWN
        assert progress.detail

    # begins once

    async def test_the_same_step_begins_once(self, bench: Bench, place: Path) -> None:
        handles = [await bench.start(self.counting(place), id="once") for _ in range(3)]
        await bench.end(handles[0])
        handles.append(await bench.start(self.counting(place), id="once"))
        assert handles == [handles[0]] * 4
        assert self.count(place) == 1

    async def test_the_same_step_begun_by_many_at_a_time_begins_once(self, bench: Bench, place: Path) -> None:
        handles: list[Handle] = []

        async def start(executor: Executor[Any]) -> None:
            handles.append(await bench.start(self.counting(place), executor, id="once"))

        executors = [bench.another() for _ in range(3)]
        async with anyio.create_task_group() as group:
            for number in range(12):
                group.start_soon(start, executors[number % 3])
        assert handles == [handles[0]] * 12
        assert (await bench.end(handles[0])).state is State.SUCCEEDED
        assert self.count(place) == 1

    async def test_a_dry_run_changes_nothing_and_is_refused_where_there_is_none(
        self, bench: Bench, place: Path
    ) -> None:
        if bench.executor.supports_dry_run:
            assert (await bench.end(await bench.start(self.counting(place), dry_run=True))).state.ended
        else:
            with pytest.raises(Rejected, match="no dry run"):
                await bench.start(self.counting(place), dry_run=True)
        assert self.count(place) == 0

    async def test_steps_with_other_ids_are_other_runs(self, bench: Bench, place: Path) -> None:
        for _ in range(2):
            await bench.end(await bench.start(self.counting(place)))
        assert self.count(place) == 2

    async def test_twenty_runs_at_a_time_end_each_with_its_own_output(self, bench: Bench) -> None:
        found: dict[str, str] = {}

        async def see(word: str) -> None:
            found[word] = text_of(await bench.end(await bench.start(self.printing(word))))

        words = [f"word-{number}" for number in range(20)]
        async with anyio.create_task_group() as group:
            for word in words:
                group.start_soon(see, word)
        assert found == {word: self.shown(word) for word in words}

    # is found again

    async def test_a_run_goes_on_without_its_executor_and_is_found_by_another(self, bench: Bench, place: Path) -> None:
        first = bench.another()
        handle = await bench.start(self.waiting(place), first)
        await first.aclose()
        stored = Handle.model_validate_json(handle.model_dump_json())
        assert (await bench.executor.watch(stored)).state is State.RUNNING
        await until((place / "gate").exists)
        self.release(place)
        progress = await bench.end(stored)
        assert progress.state is State.SUCCEEDED
        assert text_of(progress) == "first\nsecond\n"

    async def test_an_end_is_found_by_another_executor(self, bench: Bench) -> None:
        handle = await bench.start(self.failing(7))
        seen = await bench.end(handle)
        assert await bench.another().watch(handle) == seen

    # output

    async def test_output_and_errors_are_told_apart(self, bench: Bench) -> None:
        progress = await bench.end(await bench.start(self.printing("out", "err")))
        if self.has_two_streams:
            found = text_of(progress, "stdout"), text_of(progress, "stderr")
            assert found == (self.shown("out"), self.shown("err"))
        else:
            assert text_of(progress, "stdout") in (self.shown("outerr"), self.shown("errout"))

    async def test_watching_on_from_an_offset_gives_the_rest(self, bench: Bench, place: Path) -> None:
        handle = await bench.start(self.waiting(place))
        early = await bench.executor.watch(handle)
        with anyio.fail_after(PATIENCE):
            while not early.output:
                early = await bench.executor.watch(handle)
        assert (early.state, text_of(early)) == (State.RUNNING, "first\n")
        await until((place / "gate").exists)
        self.release(place)
        late = await bench.end(handle, early.offset)
        assert text_of(late) == "second\n"
        assert [chunk.offset for chunk in (*early.output, *late.output)] == [0, early.offset]

    async def test_all_output_from_the_start_is_what_was_seen_bit_by_bit(self, bench: Bench) -> None:
        words = "word\n" * 20_000
        handle = await bench.start(self.printing(words, "err"))
        seen = await bench.end(handle)
        again = await bench.another().watch(handle)
        assert text_of(seen) == text_of(again)
        assert len(text_of(seen)) == again.offset == seen.offset == len(words + self.shown("err"))

    async def test_beyond_the_limit_the_middle_is_dropped(self, bench: Bench) -> None:
        words = "".join(f"{number:04}\n" for number in range(2_000))
        progress = await bench.end(await bench.start(self.printing(words), output_limit=100))
        text = text_of(progress)
        assert (len(text), text[:50], text[50:]) == (100, words[:50], words[-50:])
        assert (progress.dropped, progress.offset) == (9_900, 10_000)

    async def test_the_same_place_has_the_same_offset_whoever_looks(self, bench: Bench) -> None:
        handle = await bench.start(self.printing("abcdefghij"))
        await bench.end(handle)
        progress = await bench.another().watch(handle, 4)
        assert [(chunk.text, chunk.offset) for chunk in progress.output] == [(self.shown("efghij"), 4)]

    # is stopped

    async def test_time_that_is_up_ends_the_work_with_all_it_started(self, bench: Bench, place: Path) -> None:
        progress = await bench.end(await bench.start(self.lasting(place), timeout=1.0))
        assert progress.state is State.TIMED_OUT
        assert progress.detail
        assert len(self.workers(place)) == 2
        assert self.left(place) == []

    async def test_cancelling_ends_the_work_with_all_it_started(self, bench: Bench, place: Path) -> None:
        handle = await bench.start(self.lasting(place))
        await until(lambda: len(self.workers(place)) == 2)
        await bench.executor.cancel(handle)
        assert self.left(place) == []
        assert (await bench.executor.watch(handle)).state is State.CANCELLED

    async def test_another_executor_can_cancel(self, bench: Bench, place: Path) -> None:
        first = bench.another()
        handle = await bench.start(self.lasting(place), first)
        await first.aclose()
        await until(lambda: len(self.workers(place)) == 2)
        await bench.executor.cancel(handle)
        assert self.left(place) == []
        assert (await bench.executor.watch(handle)).state is State.CANCELLED

    async def test_cancelling_what_has_ended_changes_nothing(self, bench: Bench) -> None:
        handle = await bench.start(self.printing("x"))
        before = await bench.end(handle)
        await bench.executor.cancel(handle)
        assert await bench.executor.watch(handle) == before

    async def test_a_cancelled_step_does_not_begin_again(self, bench: Bench, place: Path) -> None:
        handle = await bench.start(self.lasting(place), id="stopped")
        await until(lambda: len(self.workers(place)) == 2)
        await bench.executor.cancel(handle)
        assert await bench.start(self.lasting(place), id="stopped") == handle
        assert (await bench.executor.watch(handle)).state is State.CANCELLED
        assert len(self.workers(place)) == 2

    # its surroundings

    async def test_a_command_has_the_whitelist_and_what_the_step_names(
        self, bench: Bench, place: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if not self.takes_environment:
            with pytest.raises(Rejected, match="environment"):
                await bench.start(self.counting(place), environment={"PORT": "8080"})
            assert self.count(place) == 0
            return
        monkeypatch.setenv("HUB_PASSWORD", "not-for-commands")
        progress = await bench.end(await bench.start(self.listing(), environment={"PORT": "8080"}))
        lines = text_of(progress).splitlines()
        assert "PORT=8080" in lines
        assert {line.partition("=")[0] for line in lines} <= self.whitelist() | {"PORT"}

    async def test_a_handle_holds_nothing_of_the_environment(self, bench: Bench) -> None:
        environment = {"TOKEN": "s3cret-value"} if self.takes_environment else {}
        handle = await bench.start(self.printing("x"), environment=environment)
        assert "s3cret-value" not in handle.model_dump_json()


def text_of(progress: Progress, stream: str = "") -> str:
    return "".join(chunk.text for chunk in progress.output if stream in ("", chunk.stream))


def _shell(program: str) -> Run:
    return ("sh", "-c", program)
