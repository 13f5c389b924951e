"""A run that one call begins, and others follow."""

from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from tests.integration.http_executor.case import FIND, HttpBench, executor, sequence
from tests.integration.http_executor.jobs import Jobs
from tests.integration.stand import Stand

from firstline.errors import Unavailable, Unknown
from firstline.executor import State
from firstline.executors.polled.record import Record
from firstline.executors.web_call import run as sequence_run
from firstline.finding import Finding
from firstline.testing.executor import text_of
from firstline.testing.fault import Fault, Kind

pytestmark = pytest.mark.anyio

FOREVER = ("sh", "-c", "echo here; exec sleep 100000")


@pytest.mark.parametrize("kind", [Kind.LOST, Kind.BAD_GATEWAY_AFTER])
async def test_a_run_whose_start_was_not_answered_is_found_by_its_key(bench: HttpBench, jobs: Jobs, kind: Kind) -> None:
    jobs.faults.append(Fault(kind))
    progress = await bench.end(await bench.start((), with_=sequence("echo", "hello", **FIND)))
    assert (progress.state, text_of(progress)) == (State.SUCCEEDED, "hello\n")
    assert len(jobs.handles) == 1


@pytest.mark.parametrize("kind", [Kind.BAD_GATEWAY, Kind.BROKEN])
async def test_one_that_is_not_found_is_unknown_and_never_begun_again(bench: HttpBench, jobs: Jobs, kind: Kind) -> None:
    jobs.faults.append(Fault(kind))
    for _ in range(2):
        with pytest.raises(Unknown, match="looked for by its key and is not found"):
            await bench.start((), id="gone", with_=sequence("true", **FIND))
    assert (jobs.asked("POST"), jobs.handles) == ([], {})


async def test_without_a_way_to_find_it_a_lost_answer_is_unknown(bench: HttpBench, jobs: Jobs) -> None:
    jobs.faults.append(Fault(Kind.LOST))
    for _ in range(2):
        with pytest.raises(Unknown):
            await bench.start((), id="lost", with_=sequence("true"))
    assert len(jobs.handles) == 1


async def test_a_system_that_keeps_to_the_key_is_asked_again_and_begins_once(bench: HttpBench, jobs: Jobs) -> None:
    jobs.keeps_to_keys = True
    jobs.faults.append(Fault(Kind.LOST, times=2))
    progress = await bench.end(await bench.start((), with_=sequence("true", idempotent=True)))
    assert progress.state is State.SUCCEEDED
    assert (len(jobs.asked("POST")), len(jobs.handles)) == (3, 1)


async def test_after_a_crash_a_system_that_is_down_is_waited_for_and_the_run_found(
    bench: HttpBench, jobs: Jobs
) -> None:
    handle = await bench.start(("true",), id="crashed")
    Record(Path(handle.where)).remove("run")
    jobs.faults.append(Fault(Kind.BAD_GATEWAY, method="GET", times=1_000))
    with pytest.raises(Unavailable):
        await bench.start(("true",), id="crashed")
    jobs.faults.clear()
    assert (await bench.end(await bench.start(("true",), id="crashed"))).state is State.SUCCEEDED
    assert len(jobs.handles) == 1


async def test_an_answer_without_the_id_is_unknown(bench: HttpBench) -> None:
    with pytest.raises(Unknown, match=r"nothing at \$\.number"):
        await bench.start((), with_=sequence("true", id="$.number"))


async def test_outputs_come_from_the_result(bench: HttpBench) -> None:
    told = sequence("printf", r"a\nb\n", outputs={"lines": "counts[0].lines", "rc": "rc"})
    progress = await bench.end(await bench.start((), with_=told))
    assert progress.outputs == {"lines": 2, "rc": 0}
    with_result = {**told, "result": {"path": "/jobs/{id}"}}
    assert (await bench.end(await bench.start((), with_=with_result))).outputs == {"lines": 2, "rc": 0}


async def test_a_log_that_is_given_as_a_whole_is_read_from_where_it_was_left(bench: HttpBench, jobs: Jobs) -> None:
    told = sequence("printf", "äöü" * 1_000, log={"path": "/jobs/{id}/log"})
    handle = await bench.start((), with_=told, output_limit=100)
    progress = await bench.end(handle)
    assert text_of(progress) == "äöü" * 8 + "ä" + "ü" + "äöü" * 8
    assert (progress.dropped, progress.offset) == (5_900, 6_000)


async def test_trouble_while_it_runs_is_no_end(bench: HttpBench, jobs: Jobs) -> None:
    handle = await bench.start(FOREVER)
    for kind in (Kind.BAD_GATEWAY, Kind.BROKEN):
        jobs.faults.append(Fault(kind, method="GET"))
        with pytest.raises(Unavailable):
            await bench.executor.watch(handle)
        assert (await bench.executor.watch(handle)).state is State.RUNNING


async def test_a_page_in_the_place_of_its_state_is_no_end(
    bench: HttpBench, jobs: Jobs, stand: tuple[Stand, str]
) -> None:
    handle = await bench.start(FOREVER)
    stand[0].app = HTMLResponse("<html>Sign in</html>")
    with pytest.raises(Unavailable, match="a page for people"):
        await bench.executor.watch(handle)
    stand[0].app = jobs.app
    assert (await bench.executor.watch(handle)).state is State.RUNNING


async def test_a_run_that_is_not_there_any_more_is_unknown(bench: HttpBench, jobs: Jobs) -> None:
    handle = await bench.start(("true",))
    jobs.handles.clear()
    progress = await bench.executor.watch(handle)
    assert progress.state is State.UNKNOWN
    assert "is not there any more" in progress.detail
    assert "there is no such job" in progress.detail


async def test_a_word_that_nobody_declared_is_unknown_with_that_word(bench: HttpBench) -> None:
    states = {"running": ["queued"], "succeeded": ["done"]}
    progress = await bench.end(await bench.start((), with_=sequence("false", states=states)))
    assert progress.state is State.UNKNOWN
    assert "'error'" in progress.detail or "'busy'" in progress.detail


async def test_any_other_word_can_be_declared(bench: HttpBench) -> None:
    states = {"running": ["busy"], "succeeded": ["done"], "failed": ["*"]}
    progress = await bench.end(await bench.start((), with_=sequence("false", states=states)))
    assert (progress.state, progress.exit_status) == (State.FAILED, 1)


async def test_its_end_is_told_alike_when_the_system_has_forgotten_it(bench: HttpBench, jobs: Jobs) -> None:
    handle = await bench.start(("sh", "-c", "exit 3"))
    seen = await bench.end(handle)
    jobs.handles.clear()
    assert await bench.another().watch(handle) == seen


async def test_without_a_way_to_stop_it_time_that_is_up_is_unknown_and_said(bench: HttpBench) -> None:
    told = {**sequence(*FOREVER), "cancel": None}
    progress = await bench.end(await bench.start((), with_=told, timeout=0.05))
    assert progress.state is State.UNKNOWN
    assert "no `cancel` is declared, so it goes on" in progress.detail


async def test_its_time_runs_while_the_hub_is_dead(bench: HttpBench, jobs: Jobs, tmp_path: Path) -> None:
    handle = await bench.start(FOREVER, timeout=3_600)
    record = Record(Path(handle.where))
    record.write("begun", {**record.read("begun"), "at": record.read("begun")["at"] - 3_601})
    progress = await bench.another().watch(handle)
    assert progress.state is State.TIMED_OUT
    assert "after 3600 seconds" in progress.detail


async def test_a_system_that_does_not_stop_it_leaves_the_run_running(bench: HttpBench, jobs: Jobs) -> None:
    handle = await bench.start(FOREVER)
    jobs.faults.append(Fault(Kind.BAD_GATEWAY, method="DELETE"))
    with pytest.raises(Unavailable, match="502"):
        await bench.executor.cancel(handle)
    assert (await bench.executor.watch(handle)).state is State.RUNNING
    await bench.executor.cancel(handle)
    assert (await bench.executor.watch(handle)).state is State.CANCELLED


async def test_what_the_system_calls_failed_after_we_stopped_it_was_cancelled(bench: HttpBench) -> None:
    states = {"running": ["busy"], "succeeded": ["done"], "failed": ["stopped", "error"]}
    handle = await bench.start((), with_=sequence(*FOREVER, states=states))
    await bench.executor.cancel(handle)
    assert (await bench.executor.watch(handle)).state is State.CANCELLED


async def test_a_log_that_can_not_be_had_does_not_hold_up_the_end_for_ever(
    bench: HttpBench, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = await bench.start(("true",))
    await bench.end(handle)
    Record(Path(handle.where)).remove("ended")
    jobs.faults.append(Fault(Kind.BAD_GATEWAY, method="GET", path="/log", times=1_000))
    executor = bench.another()
    with pytest.raises(Unavailable):
        await executor.watch(handle)
    monkeypatch.setattr(sequence_run, "LOG_PATIENCE", 0.0)
    assert (await executor.watch(handle)).state is State.SUCCEEDED


async def test_an_id_is_no_way_out_of_the_base(bench: HttpBench, jobs: Jobs) -> None:
    async def sly(request: Request) -> Response:
        return JSONResponse({"job": {"id": "../../admin"}})

    jobs.answer = sly
    told: dict[str, Any] = {**sequence(), "start": {"method": "POST", "path": "/free/start"}}
    with pytest.raises(Unknown, match="can't stand in a path"):
        await bench.start((), with_=told)
    assert len(jobs.requests) == 1


async def test_doctor_says_what_answers(url: str, jobs: Jobs, tmp_path: Path) -> None:
    async def say(base: str, **fields: Any) -> Finding:
        made = executor(base, tmp_path, **fields)
        (found,) = await made.check()
        await made.aclose()
        return found

    well = await say(url, check_path="/jobs")
    assert (well.ok, well.message) == (True, "GET /jobs answers 200")
    assert (await say(url)).message == "it answers; nothing is at /"
    refused = await say(url, token=None, check_path="/jobs")
    assert (refused.ok, "have they expired" in refused.message) == (False, True)
    jobs.answer = _away
    sent_away = await say(url, check_path="/free/login")
    assert (sent_away.ok, "it leads to https://sso.example.com/login;" in sent_away.message) == (False, True)
    down = await say("http://127.0.0.1:9")
    assert (down.ok, "no connection" in down.message) == (False, True)


async def _away(_: Request) -> Response:
    return RedirectResponse("https://sso.example.com/login?state=x")
