"""Jobs of Rundeck, as the hub relies on them; with the stand-in."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.integration.rundeck.case import RundeckBench, executor

from firstline.errors import Rejected
from firstline.executor import Executor, State
from firstline.testing.executor import Bench, ExecutorContract, Run, text_of
from firstline.testing.rundeck import Rundeck


class TestRundeckExecutor(ExecutorContract):
    """Rundeck's log has lines, and its executions no exit status: the tests that look at these are put in its words."""

    @pytest.fixture(autouse=True)
    def _standing(self, rundeck: Rundeck, url: str) -> None:
        self.server, self.url = rundeck, url

    @pytest.fixture
    async def bench(self, place: Path) -> AsyncIterator[Bench]:
        bench = RundeckBench(lambda: self.make(place))
        yield bench
        await bench.aclose()

    def make(self, place: Path) -> Executor[Any]:
        return executor(self.url, place)

    def whitelist(self) -> set[str]:
        return set()

    def printing(self, stdout: str, stderr: str = "") -> Run:
        return ("printing", f"stdout={stdout}", f"stderr={stderr}")

    def failing(self, status: int) -> Run:
        return ("failing", f"status={status}")

    def counting(self, place: Path) -> Run:
        return ("counting", f"place={place}")

    def lasting(self, place: Path) -> Run:
        return ("lasting",)

    def workers(self, place: Path) -> list[int]:
        return [each.id for each in self.server.executions for _ in range(2)]

    def left(self, place: Path) -> list[int]:
        return [number for number, work in self.server.stage.works.items() for _ in work.workers]

    def waiting(self, place: Path) -> Run:
        return ("waiting", f"place={place}")

    def listing(self) -> Run:
        return ("listing",)

    async def test_a_step_that_succeeds_has_succeeded_with_its_output(self, bench: Bench) -> None:
        progress = await bench.end(await bench.start(self.printing("done\n")))
        assert (progress.state, progress.exit_status, text_of(progress)) == (State.SUCCEEDED, None, "done\n")

    @pytest.mark.parametrize("status", [1, 3, 255])
    async def test_a_step_that_fails_has_failed_with_its_exit_status(self, bench: Bench, status: int) -> None:
        progress = await bench.end(await bench.start(self.failing(status)))
        assert (progress.state, progress.exit_status) == (State.FAILED, None)
        assert f"Result code was {status}\n" in text_of(progress, "stderr")

    async def test_twenty_runs_at_a_time_end_each_with_its_own_output(self, bench: Bench) -> None:
        found: dict[str, str] = {}

        async def see(word: str) -> None:
            found[word] = text_of(await bench.end(await bench.start(self.printing(word))))

        words = [f"word-{number}" for number in range(20)]
        async with anyio.create_task_group() as group:
            for word in words:
                group.start_soon(see, word)
        assert found == {word: f"{word}\n" for word in words}

    async def test_output_and_errors_are_told_apart(self, bench: Bench) -> None:
        progress = await bench.end(await bench.start(self.printing("out", "err")))
        assert text_of(progress, "stdout") == "out\n"
        assert text_of(progress, "stderr") == "err\n"

    async def test_all_output_from_the_start_is_what_was_seen_bit_by_bit(self, bench: Bench) -> None:
        handle = await bench.start(self.printing("word\n" * 4_000, "err"))
        seen = await bench.end(handle)
        again = await bench.another().watch(handle)
        assert text_of(seen) == text_of(again) == "word\n" * 4_000 + "err\n"
        assert again.offset == seen.offset == 20_004

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
        assert [(chunk.text, chunk.offset) for chunk in progress.output] == [("efghij\n", 4)]

    async def test_a_command_has_the_whitelist_and_what_the_step_names(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with pytest.raises(Rejected, match="takes no environment"):
            await bench.start(self.listing(), environment={"PORT": "8080"})
        assert self.server.asked("POST", "/run") == 0

    async def test_a_handle_holds_nothing_of_the_environment(self, bench: Bench) -> None:
        handle = await bench.start(self.listing(), secrets={"password": "s3cret-value"})
        assert "s3cret-value" not in handle.model_dump_json()
