"""How far it is, and how it ended."""

from pathlib import Path
from typing import Any

import anyio
import pytest
from pydantic import SecretStr
from starlette.responses import JSONResponse
from tests.integration.rundeck.case import RundeckBench, executor
from tests.integration.stand import Stand

from firstline.errors import Unavailable, Unknown
from firstline.executor import PIECE, State
from firstline.executors.rundeck import run as rundeck_run
from firstline.testing.executor import PATIENCE, text_of
from firstline.testing.fault import Fault, Kind
from firstline.testing.rundeck import Execution, Failed, Job, Rundeck, Token, Work
from firstline.testing.rundeck.app import TOKEN

pytestmark = pytest.mark.anyio

HELLO = ("printing", "stdout=hello", "stderr=")


async def ended(bench: RundeckBench, rundeck: Rundeck) -> Execution:
    """The last execution, when it has ended."""
    with anyio.fail_after(PATIENCE):
        while rundeck.executions[-1].ended is None:  # noqa: ASYNC110 - in the server's own thread
            await anyio.sleep(0.005)
    return rundeck.executions[-1]


@pytest.mark.parametrize(
    ("status", "custom", "state", "words"),
    [
        ("running", "", State.RUNNING, ""),
        ("scheduled", "", State.RUNNING, ""),
        ("queued", "", State.RUNNING, ""),
        ("succeeded", "", State.SUCCEEDED, ""),
        ("failed", "", State.FAILED, "Rundeck says failed"),
        ("missed", "", State.FAILED, "missed"),
        ("timedout", "", State.TIMED_OUT, "own time-out"),
        ("aborted", "", State.CANCELLED, "aborted in Rundeck by somebody"),
        ("other", "degraded", State.FAILED, "degraded"),
        ("other", "incomplete", State.UNKNOWN, "its server went down"),
        ("something-new", "", State.UNKNOWN, "something-new"),
    ],
)
async def test_each_status_of_rundecks_has_its_meaning(
    bench: RundeckBench, rundeck: Rundeck, status: str, custom: str, state: State, words: str
) -> None:
    handle = await bench.start(HELLO)
    execution = await ended(bench, rundeck)
    execution.status, execution.custom_status = status, custom
    progress = await bench.executor.watch(handle)
    assert progress.state is state
    assert words in progress.detail
    execution.status = "succeeded"


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        ({"web1", "web2"}, ""),
        ({"web1"}, "it did not run on web2"),
        ({"web2"}, "it did not run on web1"),
    ],
)
async def test_a_success_that_left_targets_out_is_none(
    bench: RundeckBench, rundeck: Rundeck, nodes: set[str], words: str
) -> None:
    """Rundeck leaves out what is no node of the project, and calls the rest a success."""
    rundeck.nodes = frozenset(nodes)
    progress = await bench.end(await bench.start(HELLO, targets=("web1", "web2")))
    assert progress.state is (State.FAILED if words else State.SUCCEEDED)
    assert words in progress.detail


async def test_a_success_on_no_node_is_told(bench: RundeckBench, rundeck: Rundeck) -> None:
    """The job says so itself, or its steps run on no node."""
    rundeck.nodes, rundeck.jobs["printing"].success_on_none = frozenset(), True
    progress = await bench.end(await bench.start(HELLO, target="web1"))
    assert progress.state is State.SUCCEEDED
    assert "names no node that it ran on" in progress.detail
    rundeck.jobs["printing"].success_on_none = False
    assert (await bench.end(await bench.start(HELLO, target="web1"))).state is State.FAILED


async def test_nodes_that_nobody_asked_for_are_told(bench: RundeckBench, rundeck: Rundeck) -> None:
    handle = await bench.start(HELLO, target="web1")
    (await ended(bench, rundeck)).nodes = ("web1", "web9")
    progress = await bench.executor.watch(handle)
    assert progress.state is State.FAILED
    assert "nobody asked for it, on web9" in progress.detail


async def test_a_next_attempt_that_never_comes_leaves_it_unknown(
    bench: RundeckBench, rundeck: Rundeck, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when it could not be begun, or was deleted with its own log."""
    handle = await bench.start(HELLO)
    execution = await ended(bench, rundeck)
    execution.status = "failed-with-retry"
    assert (await bench.executor.watch(handle)).state is State.RUNNING
    monkeypatch.setattr(rundeck_run, "RETRY_PATIENCE", -60.0)
    progress = await bench.executor.watch(handle)
    assert progress.state is State.UNKNOWN
    assert "no next attempt is there" in progress.detail
    execution.status = "failed"


async def test_a_log_that_stays_in_its_store_is_told_to_be_missing(
    bench: RundeckBench, rundeck: Rundeck, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = await bench.start(HELLO)
    (await ended(bench, rundeck)).log_complete = False
    monkeypatch.setattr(rundeck_run, "LOG_PATIENCE", -60.0)
    progress = await bench.executor.watch(handle)
    assert (progress.state, progress.output) == (State.SUCCEEDED, ())
    assert "its log is not all there: Waiting for log output to become available" in progress.detail


async def test_an_execution_that_was_deleted_is_unknown(bench: RundeckBench, rundeck: Rundeck) -> None:
    handle = await bench.start(HELLO)
    rundeck.stage.forget(await ended(bench, rundeck))
    progress = await bench.executor.watch(handle)
    assert progress.state is State.UNKNOWN
    assert "Execution ID does not exist: 1: it was deleted there" in progress.detail
    with pytest.raises(Unknown):
        await bench.executor.cancel(handle)


async def test_trouble_while_it_runs_is_no_end(bench: RundeckBench, rundeck: Rundeck) -> None:
    handle = await bench.start(("lasting",))
    for kind in (Kind.BAD_GATEWAY, Kind.BROKEN, Kind.LOST):
        rundeck.faults.append(Fault(kind, method="GET"))
        with pytest.raises(Unavailable):
            await bench.executor.watch(handle)
        assert (await bench.executor.watch(handle)).state is State.RUNNING


@pytest.mark.parametrize("odd", [None, [], {}, {"id": 1, "status": {}}, "words"])
async def test_an_answer_that_is_none_of_rundeck_s_is_no_end(
    bench: RundeckBench, rundeck: Rundeck, stand: tuple[Stand, str], odd: Any
) -> None:
    handle = await bench.start(HELLO)
    stand[0].app = JSONResponse(odd)
    for ask in (bench.executor.watch, bench.executor.cancel):
        with pytest.raises(Unavailable, match="not understood"):
            await ask(handle)
    stand[0].app = rundeck.app
    assert (await bench.end(handle)).state is State.SUCCEEDED


async def test_a_token_that_expires_while_it_runs_is_no_end(
    bench: RundeckBench, rundeck: Rundeck, url: str, tmp_path: Path
) -> None:
    handle = await bench.start(("lasting",))
    token = rundeck.tokens.pop(TOKEN)
    with pytest.raises(Unavailable, match="has expired"):
        await bench.executor.watch(handle)
    rundeck.tokens["a-new-token"] = token
    renewed = executor(url, tmp_path, token=SecretStr("a-new-token"))
    assert (await renewed.watch(handle)).state is State.RUNNING
    await renewed.aclose()
    rundeck.tokens[TOKEN] = token


async def test_a_token_that_may_not_abort_says_so(bench: RundeckBench, rundeck: Rundeck) -> None:
    handle = await bench.start(("lasting",))
    rundeck.tokens[TOKEN] = Token(rights=frozenset({"read", "run"}))
    with pytest.raises(Unavailable, match=r"can't be aborted.*lacks this right"):
        await bench.executor.cancel(handle)
    rundeck.tokens[TOKEN] = Token()


async def test_who_aborted_it_in_rundeck_is_named(bench: RundeckBench, rundeck: Rundeck) -> None:
    handle = await bench.start(HELLO)
    execution = await ended(bench, rundeck)
    execution.status, execution.aborted_by = "aborted", "ann"
    assert "by ann" in (await bench.executor.watch(handle)).detail


async def test_the_lines_of_the_key_value_filter_are_its_outputs(bench: RundeckBench) -> None:
    text = "RUNDECK:DATA:freed = 12 GB\nother\nRUNDECK:DATA:path=/var\nRUNDECK:DATA:path=/var/log\n"
    handle = await bench.start(("printing", f"stdout={text}", "stderr="), output_limit=10)
    assert (await bench.end(handle)).outputs == {"freed": "12 GB", "path": "/var/log"}
    assert (await bench.another().watch(handle)).outputs == {"freed": "12 GB", "path": "/var/log"}


async def test_much_output_comes_in_pieces_and_all_of_it(bench: RundeckBench, rundeck: Rundeck) -> None:
    async def much(work: Work) -> None:
        for number in range(4_000):
            work.say(f"{number:0>999}\n", "ERROR" if number % 2 else "NORMAL")

    rundeck.jobs["much"] = Job("much", "much", much)
    handle = await bench.start(("much",), output_limit=10_000_000)
    progress = await bench.end(handle)
    assert text_of(progress) == "".join(f"{number:0>999}\n" for number in range(4_000))
    assert (progress.offset, progress.dropped) == (4_000_000, 0)
    late = await bench.another().watch(handle, 2_000_500)
    assert sum(len(chunk.text) for chunk in late.output) == PIECE
    assert late.more
    assert late.output[0].text == f"{2_000:0>999}\n"[500:]


async def test_lines_that_would_fill_memory_are_asked_for_few_at_a_time(
    bench: RundeckBench, rundeck: Rundeck, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rundeck_run, "PAGE", 10_000)
    words = "".join(f"{number:0>500}\n" for number in range(100))
    handle = await bench.start(("printing", f"stdout={words}", "stderr="))
    assert text_of(await bench.end(handle)) == words


async def test_its_end_waits_for_its_log_and_not_for_ever(
    bench: RundeckBench, rundeck: Rundeck, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = await bench.start(HELLO)
    execution = await ended(bench, rundeck)
    execution.log_complete = False
    assert (await bench.executor.watch(handle)).state is State.RUNNING
    execution.log_complete = True
    progress = await bench.executor.watch(handle)
    assert (progress.state, text_of(progress)) == (State.SUCCEEDED, "hello\n")
    execution.log_there = False
    monkeypatch.setattr(rundeck_run, "LOG_PATIENCE", -60.0)
    assert (await bench.another().watch(handle)).state is State.SUCCEEDED


async def test_a_retry_of_rundecks_own_is_the_same_run(bench: RundeckBench, rundeck: Rundeck) -> None:
    tries: list[int] = []

    async def second_time(work: Work) -> None:
        tries.append(1)
        work.say(f"try {len(tries)}\n")
        if len(tries) == 1:
            raise Failed("Result code was 1")

    rundeck.jobs["again"] = Job("again", "again", second_time, retries=1)
    handle = await bench.start(("again",), id="again")
    progress = await bench.end(handle)
    assert progress.state is State.SUCCEEDED
    assert text_of(progress, "stdout") == "try 1\ntry 2\n"
    assert "attempt 2" in progress.detail
    assert await bench.start(("again",), executor=bench.another(), id="again") == handle
    assert len(rundeck.executions) == 2


async def test_an_execution_that_does_not_stop_is_said_to_go_on(
    bench: RundeckBench, rundeck: Rundeck, url: str, tmp_path: Path
) -> None:
    go = anyio.Event()

    async def deaf(work: Work) -> None:
        while not go.is_set():
            with anyio.CancelScope(shield=True):
                try:
                    await anyio.sleep(0.01)
                except BaseException:  # noqa: BLE001 - it is deaf
                    continue

    rundeck.jobs["deaf"] = Job("deaf", "deaf", deaf)
    hasty = executor(url, tmp_path, stop_patience=0.1)
    handle = await bench.start(("deaf",), hasty)
    with pytest.raises(Unavailable, match="was aborted and goes on"):
        await hasty.cancel(handle)
    go.set()
    await hasty.aclose()


async def test_doctor_says_what_is_well_and_what_is_not(rundeck: Rundeck, url: str, tmp_path: Path) -> None:
    async def say(**fields: object) -> list[tuple[bool, str]]:
        made = executor(str(fields.pop("at", url)), tmp_path, **fields)
        found = await made.check()
        await made.aclose()
        return [(each.ok, f"{each.message} {each.mend}") for each in found]

    assert [ok for ok, _ in await say()] == [True, True]
    assert "Rundeck 5.0.0, API 46" in (await say())[1][1]
    rundeck.active = False
    assert (await say())[-1][0] is False
    rundeck.tokens[TOKEN] = Token(system=False)
    assert [ok for ok, _ in await say()] == [True, True]
    assert "expired" in (await say(token=SecretStr("old")))[0][1]
    assert "set api_version" in (await say(api_version=99))[0][1]
    assert "does Rundeck run there" in (await say(at="http://127.0.0.1:9"))[0][1]
    assert (await say(at=f"{url}/elsewhere"))[0][0] is False
