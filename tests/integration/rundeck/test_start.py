"""Begun once, whatever becomes of the answer."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send
from tests.integration.rundeck.case import RundeckBench, executor
from tests.integration.stand import Stand

from firstline.errors import Rejected, Unavailable, Unknown
from firstline.executor import State
from firstline.executors.polled.record import Record
from firstline.testing.executor import text_of
from firstline.testing.fault import Fault, Kind
from firstline.testing.rundeck import Job, Option, Rundeck, Token, Work
from firstline.testing.rundeck.app import TOKEN

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("kind", [Kind.LOST, Kind.BAD_GATEWAY_AFTER])
async def test_an_execution_whose_start_was_not_answered_is_found_by_its_key(
    bench: RundeckBench, rundeck: Rundeck, kind: Kind
) -> None:
    rundeck.faults.append(Fault(kind))
    progress = await bench.end(await bench.start(("printing", "stdout=hello", "stderr=")))
    assert (progress.state, text_of(progress)) == (State.SUCCEEDED, "hello\n")
    assert len(rundeck.executions) == 1


@pytest.mark.parametrize("kind", [Kind.BAD_GATEWAY, Kind.BROKEN])
async def test_one_that_is_not_found_is_unknown_and_never_asked_for_again(
    bench: RundeckBench, rundeck: Rundeck, kind: Kind
) -> None:
    rundeck.faults.append(Fault(kind))
    for _ in range(2):
        with pytest.raises(Unknown, match="option firstline_run gone; none was found"):
            await bench.start(("lasting",), id="gone")
    assert (rundeck.asked("POST", "/run"), rundeck.executions) == (0, [])


async def test_one_that_appears_later_is_found_later(bench: RundeckBench, rundeck: Rundeck, tmp_path: Path) -> None:
    rundeck.faults.append(Fault(Kind.BAD_GATEWAY))
    with pytest.raises(Unknown):
        await bench.start(("lasting",), id="late")
    elsewhere = executor(bench.executor.settings.url, tmp_path / "elsewhere")
    late = await bench.start(("lasting",), elsewhere, id="late")  # as if the first request had come through now
    assert await bench.start(("lasting",), id="late") == late
    assert len(rundeck.executions) == 1
    await elsewhere.aclose()


async def test_one_that_may_have_begun_and_may_not_be_looked_for_is_unknown(
    bench: RundeckBench, rundeck: Rundeck
) -> None:
    rundeck.faults.append(Fault(Kind.LOST))
    rundeck.tokens[TOKEN] = Token(rights=frozenset({"read", "run", "kill"}))
    await bench.start(("lasting",), id="blind")
    Record(bench.executor.settings.directory / "blind").remove("run")
    rundeck.tokens[TOKEN] = Token(rights=frozenset({"run"}))
    with pytest.raises(Unknown, match="lacks this right"):
        await bench.start(("lasting",), id="blind")
    rundeck.tokens[TOKEN] = Token()
    assert len(rundeck.executions) == 1


async def test_one_that_was_begun_and_may_not_be_looked_for_any_more_is_not_said_to_be_refused(
    bench: RundeckBench, rundeck: Rundeck
) -> None:
    async def revoke(work: Work) -> None:
        rundeck.tokens[TOKEN] = Token(rights=frozenset({"run"}))

    rundeck.jobs["revoke"] = Job("revoke", "revoke", revoke)
    rundeck.faults.append(Fault(Kind.LOST))
    with pytest.raises(Unknown, match="lacks this right"):
        await bench.start(("revoke",))
    assert len(rundeck.executions) == 1


async def test_a_secret_that_rundeck_repeats_in_a_refusal_is_masked(bench: RundeckBench, rundeck: Rundeck) -> None:
    rundeck.jobs["listing"].options = (Option("password", secure=True, regex=r"\d+"),)
    with pytest.raises(Rejected, match=r"value: .masked") as error:
        await bench.start(("listing",), secrets={"password": "s3cret-value"})
    assert "s3cret-value" not in str(error.value)


async def test_a_hub_without_its_disk_finds_what_runs_and_what_has_ended(
    bench: RundeckBench, rundeck: Rundeck, url: str, tmp_path: Path
) -> None:
    running = await bench.start(("lasting",), id="running")
    ended = await bench.start(("printing", "stdout=x", "stderr="), id="ended")
    await bench.end(ended)
    other = executor(url, tmp_path / "another-machine")
    assert await bench.start(("lasting",), other, id="running") == running
    assert await bench.start(("printing", "stdout=x", "stderr="), other, id="ended") == ended
    assert len(rundeck.executions) == 2
    await other.aclose()


async def test_it_is_found_among_many(bench: RundeckBench, rundeck: Rundeck, tmp_path: Path, url: str) -> None:
    first = await bench.start(("printing", "stdout=x", "stderr="), id="first")
    await bench.end(first)
    rest = await bench.start(("printing", "stdout=x", "stderr="), id="second")
    await bench.end(rest)
    template = rundeck.executions[1]
    for number in range(3, 253):
        rundeck.stage.executions.append(
            type(template)(**{**vars(template), "id": number, "ended": (template.ended or 0) + number})
        )
    other = executor(url, tmp_path / "another-machine")
    assert await bench.start(("printing", "stdout=x", "stderr="), other, id="first") == first
    await other.aclose()


async def test_a_rundeck_that_is_not_there_was_surely_not_asked(tmp_path: Path) -> None:
    bench = RundeckBench(lambda: executor("http://127.0.0.1:9", tmp_path))
    with pytest.raises(Unavailable, match="no connection"):
        await bench.start(("lasting",), id="down")
    assert Record(tmp_path / "runs" / "down").read("begun") == {}
    await bench.aclose()


async def test_a_job_that_runs_already_may_be_asked_for_later(bench: RundeckBench, rundeck: Rundeck) -> None:
    rundeck.jobs["lasting"].multiple = False
    first = await bench.start(("lasting",))
    with pytest.raises(Unavailable, match="Limit of running executions"):
        await bench.start(("lasting",), id="second")
    await bench.executor.cancel(first)
    assert (await bench.executor.watch(await bench.start(("lasting",), id="second"))).state is State.RUNNING


@pytest.mark.parametrize("api", [45, 46])
@pytest.mark.parametrize(
    ("enabled", "active", "words"), [(False, True, "Job execution is"), (True, False, "Executions")]
)
async def test_what_is_disabled_is_rejected_in_the_words_of_either_version(
    bench: RundeckBench, rundeck: Rundeck, api: int, enabled: bool, active: bool, words: str
) -> None:
    rundeck._api = api
    rundeck.jobs["counting"].enabled, rundeck.active = enabled, active
    with pytest.raises(Rejected, match=f"{words} disabled" if not enabled else "Executions are disabled"):
        await bench.start(("counting",), id="held")
    rundeck.jobs["counting"].enabled, rundeck.active = True, True
    await bench.start(("printing", "stdout=", "stderr="), id="held")


async def test_options_are_checked_by_the_job(bench: RundeckBench, rundeck: Rundeck) -> None:
    rundeck.jobs["printing"].options = (Option("size", required=True, regex=r"\d+"),)
    with pytest.raises(Rejected, match="'size' is required"):
        await bench.start(("printing", "stdout=", "stderr="))
    with pytest.raises(Rejected, match="doesn't match"):
        await bench.start(("printing", "stdout=", "stderr=", "size=big"))


async def test_a_token_that_is_not_accepted_or_may_not_run_is_named(
    bench: RundeckBench, rundeck: Rundeck, url: str, tmp_path: Path
) -> None:
    rundeck.tokens[TOKEN] = Token(rights=frozenset({"read"}))
    with pytest.raises(Rejected, match="lacks this right"):
        await bench.start(("counting",))
    old = executor(url, tmp_path, token=SecretStr("an-expired-token"))
    with pytest.raises(Rejected, match="has expired") as error:
        await bench.start(("counting",), old)
    assert "an-expired-token" not in str(error.value)
    await old.aclose()
    assert rundeck.executions == []


async def test_a_version_of_the_api_that_is_not_there_is_named(rundeck: Rundeck, url: str, tmp_path: Path) -> None:
    bench = RundeckBench(lambda: executor(url, tmp_path, api_version=99))
    with pytest.raises(Rejected, match=r"Unsupported API Version.*set api_version"):
        await bench.start(("counting",))
    await bench.aclose()


async def test_secrets_go_to_secure_options_and_nowhere_else(
    bench: RundeckBench, rundeck: Rundeck, tmp_path: Path
) -> None:
    handle = await bench.start(("printing", "stdout=x", "stderr="), secrets={"password": "s3cret-value"})
    progress = await bench.end(handle)
    (execution,) = rundeck.executions
    assert execution.secrets == {"password": "s3cret-value"}
    assert "s3cret-value" not in repr(execution.options) + handle.model_dump_json() + progress.model_dump_json()
    assert b"s3cret-value" not in b"".join(f.read_bytes() for f in (tmp_path / "runs").rglob("*") if f.is_file())


async def test_a_secret_for_an_option_that_rundeck_would_store_is_refused(
    bench: RundeckBench, rundeck: Rundeck
) -> None:
    for name in ("place", "undeclared"):
        with pytest.raises(Rejected, match=f"does not declare {name} as secure") as error:
            await bench.start(("counting",), secrets={name: "s3cret-value"})
        assert "s3cret-value" not in str(error.value)
    assert rundeck.executions == []


async def test_targets_are_a_node_filter_and_all_of_them_are_told(bench: RundeckBench, rundeck: Rundeck) -> None:
    progress = await bench.end(await bench.start(("half",), targets=("web1", "web2")))
    assert rundeck.bodies[0]["filter"] == "name: web1,web2"
    assert progress.state is State.FAILED
    assert "failed on web2; succeeded on web1" in progress.detail
    assert "web1: hello from web1\nweb2: hello from web2\n" in text_of(progress)
    await bench.start(("half",), target="web3")
    await bench.start(("half",), with_={"filter": "tags: web"})
    await bench.start(("half",))
    assert [body.get("filter") for body in rundeck.bodies[1:]] == ["name: web3", "tags: web", None]


async def test_options_have_the_types_that_people_write(bench: RundeckBench, rundeck: Rundeck) -> None:
    options: dict[str, Any] = {"force": True, "size": 3, "names": ["a", "b"]}
    told = {"options": options, "timeout_option": "limit", "log_level": "DEBUG", "as_user": "ann"}
    handle = await bench.start(("listing",), id="typed", with_=told, timeout=90.5)
    text = text_of(await bench.end(handle))
    assert text == "force=true\nsize=3\nnames=a,b\nfirstline_run=typed\nlimit=91s\n"
    assert (rundeck.bodies[0]["loglevel"], rundeck.executions[0].user) == ("DEBUG", "ann")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"targets": ("web1", "web2,name: *")}, "no name of a node"),
        ({"targets": ("web1",), "with_": {"filter": "tags: web"}}, "a node filter and targets"),
        ({"bounds": {"memory": 1}}, "takes no bounds"),
        ({"sandbox": {}}, "takes no sandbox"),
        ({"directory": "/tmp"}, "takes no directory"),
        ({"with_": {"options": {"firstline_run": "x"}}}, "given twice"),
        ({"with_": {"options": {"a": "x"}}, "secrets": {"a": "y"}}, "given twice"),
        ({"with_": {"job": "../system/info"}}, "job"),
        ({"with_": {"jobb": "x"}}, "jobb"),
    ],
)
async def test_what_no_job_takes_is_refused_in_words(
    bench: RundeckBench, rundeck: Rundeck, fields: dict[str, Any], words: str
) -> None:
    with pytest.raises(Rejected) as error:
        await bench.start(("half",), **fields)
    assert words in str(error.value)
    assert rundeck.requests == []


SIGN_IN = HTMLResponse("<html><body><form action='/user/login'>Log in to Rundeck</form></body></html>")


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (SIGN_IN, Unavailable, "a page for people"),
        (RedirectResponse("https://sso.example.com/login?state=s3cret", 302), Rejected, "leads to https://sso.example"),
        (RedirectResponse("https://sso.example.com/login?state=s3cret", 302), Rejected, "login; is the url right"),
        (JSONResponse({"error": True, "errorCode": "unauthorized", "message": "no"}), Rejected, "unauthorized no"),
    ],
)
async def test_what_answers_in_rundeck_s_place_begins_nothing_and_is_named(
    bench: RundeckBench, stand: tuple[Stand, str], answer: Response, error: type[Exception], words: str
) -> None:
    stand[0].app = answer
    with pytest.raises(error, match=words) as raised:
        await bench.start(("lasting",), id="elsewhere")
    assert "s3cret" not in str(raised.value)
    assert Record(bench.executor.settings.directory / "elsewhere").read("begun") == {}
    bench._handles.clear()


async def test_a_start_that_is_refused_with_a_status_of_success_has_begun_nothing(
    bench: RundeckBench, rundeck: Rundeck, stand: tuple[Stand, str]
) -> None:
    """Rundeck's own words count, whatever its status (`error: true`)."""
    refused = JSONResponse({"error": True, "errorCode": "api.error.execution.failed", "message": "Execution failed: x"})

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await (refused if scope["method"] == "POST" else rundeck.app)(scope, receive, send)

    stand[0].app = app
    with pytest.raises(Rejected, match="Execution failed: x"):
        await bench.start(("lasting",), id="refused")
    stand[0].app = rundeck.app
    assert (await bench.executor.watch(await bench.start(("lasting",), id="refused"))).state is State.RUNNING


async def test_a_list_as_the_published_description_has_it_is_understood(
    bench: RundeckBench, rundeck: Rundeck, stand: tuple[Stand, str]
) -> None:
    """`GET /job/{id}/executions` is a bare array there, and what is not known may be null."""
    one = {"id": 7, "status": "running", "argstring": "-firstline_run mine", "customStatus": None, "failedNodes": None}
    stand[0].app = JSONResponse([one])
    assert (await bench.start(("lasting",), id="mine")).where.startswith("7?")
    stand[0].app = rundeck.app
    bench._handles.clear()


async def test_the_documented_ways_of_curl_are_known_to_the_stand_in(rundeck: Rundeck, url: str) -> None:
    """Token and options in the address, an abort by GET (docs.rundeck.com/docs/api; apiExecutionAbort)."""
    async with httpx.AsyncClient(base_url=f"{url}/api/41", params={"authtoken": TOKEN}) as http:
        begun = (await http.post("/job/lasting/run", params={"argString": "-place 'a b'"})).json()
        assert begun["job"]["options"] == {"place": "a b"}
        begun = (await http.post("/job/lasting/run", params={"option.place": "c"})).json()
        assert begun["job"]["options"] == {"place": "c"}
        for each in rundeck.executions:
            aborted = (await http.get(f"/execution/{each.id}/abort")).json()
            assert aborted["abort"]["status"] == "pending"
