"""A single call: its answer is the end."""

import gzip
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from tests.integration.http_executor.case import HttpBench, executor
from tests.integration.http_executor.jobs import TOKEN, Jobs

from firstline.errors import Rejected, Unavailable, Unknown
from firstline.executor import Progress, State
from firstline.executors.polled.record import Record
from firstline.testing.executor import text_of
from firstline.testing.fault import Fault, Kind

pytestmark = pytest.mark.anyio

POST: dict[str, Any] = {"method": "POST", "path": "/free/restart"}


def answering(content: Any, status: int = 200) -> Callable[[Request], Awaitable[Response]]:
    async def answer(_: Request) -> Response:
        return JSONResponse(content, status)

    return answer


async def called(bench: HttpBench, call: dict[str, Any], **fields: Any) -> Progress:
    with_ = {"call": call, **fields.pop("with_", {})}
    return await bench.end(await bench.start((), with_=with_, **fields))


async def test_what_is_answered_is_its_output_and_its_outputs(bench: HttpBench, jobs: Jobs) -> None:
    jobs.answer = answering({"nodes": [{"name": "web1", "load": 0.5}]})
    outputs = {"name": "$.nodes[0].name", "load": "nodes[-1]['load']"}
    progress = await called(bench, POST, with_={"outputs": outputs})
    assert (progress.state, progress.outputs) == (State.SUCCEEDED, {"name": "web1", "load": 0.5})
    assert json.loads(text_of(progress)) == {"nodes": [{"name": "web1", "load": 0.5}]}


async def test_an_output_that_is_not_there_is_a_failure_in_words(bench: HttpBench, jobs: Jobs) -> None:
    jobs.answer = answering({"nodes": []})
    progress = await called(bench, POST, with_={"outputs": {"name": "$.nodes[0].name"}})
    assert progress.state is State.FAILED
    assert "nothing at $.nodes[0].name; it leads as far as $.nodes" in progress.detail


async def test_it_is_sent_as_it_is_declared_with_key_and_credentials(bench: HttpBench, jobs: Jobs) -> None:
    jobs.answer = answering({})
    call = {
        "method": "PUT",
        "path": "/free/a%20b",
        "query": {"force": True, "n": 3},
        "headers": {"X-Why": "disk"},
        "json": {"key": "{key}", "list": ["{key}", 1, None]},
    }
    await called(bench, call, id="step-1")
    (asked,) = jobs.requests
    assert (asked.path, asked.query) == ("/api/free/a b", {"force": "true", "n": "3"})
    assert json.loads(asked.body) == {"key": "step-1", "list": ["step-1", 1, None]}
    assert asked.headers["idempotency-key"] == "step-1"
    assert asked.headers["authorization"] == f"Bearer {TOKEN}"
    assert (asked.headers["x-why"], asked.headers["content-type"]) == ("disk", "application/json")


@pytest.mark.parametrize(("status", "state"), [(200, State.FAILED), (404, State.SUCCEEDED), (500, State.FAILED)])
async def test_which_statuses_are_well_can_be_said(bench: HttpBench, jobs: Jobs, status: int, state: State) -> None:
    jobs.answer = answering({}, status)
    progress = await called(bench, {**POST, "expect": [404]})
    assert progress.state is state
    assert (str(status) in progress.detail) == (state is State.FAILED)


async def test_a_refusal_says_so_in_the_systems_words(bench: HttpBench, jobs: Jobs) -> None:
    jobs.answer = answering({"message": "no such unit"}, 422)
    with pytest.raises(Rejected, match="no such unit"):
        await called(bench, POST, id="refused")
    jobs.answer = answering({})
    assert (await called(bench, POST, id="refused")).state is State.SUCCEEDED


async def test_expired_credentials_are_named(url: str, tmp_path: Path) -> None:
    bench = HttpBench(lambda: executor(url, tmp_path, token=SecretStr("an-old-token")))
    with pytest.raises(Rejected, match="have they expired") as error:
        await called(bench, POST)
    assert "an-old-token" not in str(error.value)
    await bench.aclose()


async def test_a_busy_system_may_be_asked_later(bench: HttpBench, jobs: Jobs) -> None:
    jobs.answer = answering({}, 429)
    with pytest.raises(Unavailable):
        await called(bench, POST, id="busy")
    jobs.answer = answering({})
    assert (await called(bench, POST, id="busy")).state is State.SUCCEEDED


async def test_a_system_that_is_not_there_was_surely_not_asked(tmp_path: Path) -> None:
    bench = HttpBench(lambda: executor("http://127.0.0.1:9", tmp_path))
    with pytest.raises(Unavailable, match="no connection"):
        await called(bench, POST, id="down")
    assert Record(tmp_path / "runs" / "down").read("begun") == {}
    await bench.aclose()


async def test_redirects_are_not_followed(bench: HttpBench, jobs: Jobs) -> None:
    async def away(_: Request) -> Response:
        return RedirectResponse("http://127.0.0.1:9/elsewhere")

    jobs.answer = away
    progress = await called(bench, POST)
    assert (progress.state, len(jobs.requests)) == (State.FAILED, 1)
    assert "307: it leads to http://127.0.0.1:9/elsewhere" in progress.detail


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"a": NaN}', "NaN is no JSON"),
        (b"[" * 100_000 + b"]" * 100_000, "nested too deep"),
        (b"<html>Sign in</html>", "a page for people"),
        (b'{"a": "\\ud83d\\ude00 \\ud800"}', ""),
    ],
    ids=["NaN", "deep", "page", "half a character"],
)
async def test_what_is_no_document_is_no_outputs(bench: HttpBench, jobs: Jobs, body: bytes, words: str) -> None:
    """JSON that calls itself a page is JSON all the same."""

    async def odd(_: Request) -> Response:
        return Response(body, media_type="text/html" if words in ("", "a page for people") else "application/json")

    jobs.answer = odd
    progress = await called(bench, POST, with_={"outputs": {"a": "a"}})
    assert progress.state is (State.FAILED if words else State.SUCCEEDED)
    assert words in progress.detail
    assert progress.outputs == ({} if words else {"a": "\N{GRINNING FACE} ?"})


async def test_no_session_is_kept(bench: HttpBench, jobs: Jobs) -> None:
    """It would outlive the token that it was made with."""

    async def greet(_: Request) -> Response:
        return JSONResponse({}, headers={"Set-Cookie": "session=1"})

    jobs.answer = greet
    for _ in range(2):
        await called(bench, POST)
    assert ["cookie" in asked.headers for asked in jobs.requests] == [False, False]


async def test_an_answer_that_is_packed_is_not_unpacked(bench: HttpBench, jobs: Jobs) -> None:
    """A few bytes may unpack to all of memory, and nobody asked for it."""

    async def packed(request: Request) -> Response:
        assert request.headers["accept-encoding"] == "identity"
        return Response(gzip.compress(bytes(1_000_000)), headers={"Content-Encoding": "gzip"})

    jobs.answer = packed
    with pytest.raises(Unknown, match=r"packed \(gzip\)"):
        await called(bench, POST)


@pytest.mark.parametrize("kind", [Kind.LOST, Kind.BAD_GATEWAY, Kind.BAD_GATEWAY_AFTER, Kind.BROKEN])
async def test_a_lost_answer_is_unknown_and_the_call_is_not_made_again(
    bench: HttpBench, jobs: Jobs, kind: Kind
) -> None:
    jobs.answer = answering({})
    jobs.faults.append(Fault(kind))
    for _ in range(3):
        with pytest.raises(Unknown, match=r"can't be told.*its key is lost"):
            await called(bench, POST, id="lost")
    assert len(jobs.requests) == (kind in (Kind.LOST, Kind.BAD_GATEWAY_AFTER))


async def test_where_the_system_keeps_to_the_key_it_is_sent_again(bench: HttpBench, jobs: Jobs) -> None:
    jobs.answer = answering({"ok": True})
    jobs.faults.append(Fault(Kind.LOST, times=2))
    progress = await called(bench, POST, id="again", with_={"idempotent": True})
    assert progress.state is State.SUCCEEDED
    assert [each.headers["idempotency-key"] for each in jobs.requests] == ["again"] * 3


async def test_reading_is_tried_again_and_never_unknown(bench: HttpBench, jobs: Jobs) -> None:
    jobs.answer = answering({})
    jobs.faults.append(Fault(Kind.LOST, method="GET"))
    assert (await called(bench, {"path": "/free/health"})).state is State.SUCCEEDED
    jobs.faults.append(Fault(Kind.BAD_GATEWAY, method="GET", times=1_000))
    with pytest.raises(Unavailable):
        await called(bench, {"path": "/free/health"}, id="reading")
    jobs.faults.clear()
    assert (await called(bench, {"path": "/free/health"}, id="reading")).state is State.SUCCEEDED


async def test_a_hub_that_died_in_the_middle_of_the_call_leaves_it_unknown(bench: HttpBench, tmp_path: Path) -> None:
    Record(tmp_path / "runs" / "dead").write("begun", {"at": 0, "key": "dead", "with": {"call": POST}})
    with pytest.raises(Unknown, match="an earlier try was not answered"):
        await called(bench, POST, id="dead")


async def test_an_answer_outlives_the_executor(bench: HttpBench, jobs: Jobs) -> None:
    jobs.answer = answering({"n": 1})
    handle = await bench.start((), with_={"call": POST, "outputs": {"n": "n"}})
    seen = await bench.end(handle)
    assert await bench.another().watch(handle) == seen
    assert seen.outputs == {"n": 1}
    assert len(jobs.requests) == 1


async def test_an_answer_without_end_is_read_in_part(url: str, jobs: Jobs, tmp_path: Path) -> None:
    async def long(_: Request) -> Response:
        return PlainTextResponse("x" * 5_000_000)

    jobs.answer = long
    bench = HttpBench(lambda: executor(url, tmp_path, answer_limit=1_000))
    assert text_of(await called(bench, POST)) == "x" * 1_000
    assert "longer than 1000 bytes" in (await called(bench, POST, with_={"outputs": {"a": "a"}})).detail
    await bench.aclose()


async def test_secrets_go_into_header_and_body_and_nowhere_else(bench: HttpBench, jobs: Jobs, tmp_path: Path) -> None:
    async def echo(request: Request) -> Response:
        return JSONResponse({"you": (await request.json())["password"], "header": request.headers["x-secret"]})

    jobs.answer = echo
    call = {**POST, "headers": {"X-Secret": "{secret:PASSWORD}"}, "json": {"password": "{secret:PASSWORD}"}}
    handle = await bench.start(
        (), with_={"call": call, "outputs": {"you": "you"}}, secrets={"PASSWORD": "s3cret-value"}
    )
    progress = await bench.end(handle)
    (asked,) = jobs.requests
    assert json.loads(asked.body) == {"password": "s3cret-value"}
    assert asked.headers["x-secret"] == "s3cret-value"
    assert "s3cret-value" not in handle.model_dump_json() + progress.model_dump_json()
    assert b"s3cret-value" not in b"".join(f.read_bytes() for f in (tmp_path / "runs").rglob("*") if f.is_file())


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"secrets": {"PASSWORD": "s3cret"}}, "no call uses the secret PASSWORD"),
        ({"environment": {"A": "b"}}, "has no environment"),
        ({"targets": ("web1", "web2")}, "has no targets"),
        ({"bounds": {"memory": 1}}, "has no bounds"),
        ({"with_": {"call": {**POST, "path": "//elsewhere.example/x"}}}, "no plain path"),
        ({"with_": {"call": {**POST, "path": "http://elsewhere.example/x"}}}, "path"),
        ({"with_": {"call": {**POST, "path": "/a/../../b"}}}, "leads out of the base"),
        ({"with_": {"call": {**POST, "path": "/a/%2e%2E/b"}}}, "leads out of the base"),
        ({"with_": {"call": {**POST, "path": "/a%2f..%2fb"}}}, "no plain path"),
        ({"with_": {"call": {**POST, "path": "/a/${{/../../b}}"}}}, "leads out of the base"),
        ({"with_": {"call": {**POST, "path": "/a?b=c"}}}, "no plain path"),
        ({"with_": {"call": {**POST, "path": "/x/{secret:A}"}}}, "in an address"),
        ({"with_": {"call": {**POST, "headers": {"authorization": "x"}}}}, "does not set authorization"),
        ({"with_": {"call": {**POST, "headers": {"X-A": "a\r\nHost: b"}}}}, "line break"),
        ({"with_": {"call": {**POST, "path": "/x/{id}"}}}, "call has no {id}"),
        ({"with_": {"call": {**POST, "json": {"a": "{secret:A}"}}}}, "the secret A is used, and not given"),
        ({"with_": {"call": {**POST, "json": {}, "body": "x"}}}, "json and body"),
        ({"with_": {"call": POST, "outputs": {"a": "$..b"}}}, "no path"),
        ({"with_": {"call": POST, "poll": POST}}, "a single call has no poll"),
        ({"with_": {"start": POST}}, "id, poll, state, states missing"),
        ({"with_": {"cal": POST}}, "cal"),
    ],
)
async def test_what_can_not_be_called_is_refused_in_words(
    bench: HttpBench, jobs: Jobs, fields: dict[str, Any], words: str
) -> None:
    with pytest.raises(Rejected) as error:
        await bench.start((), **{"with_": {"call": POST}, **fields})
    assert words in str(error.value)
    assert jobs.requests == []
