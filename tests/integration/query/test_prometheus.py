"""Prometheus' HTTP API, as its documentation has it: a stand-in answers."""

from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import parse_qsl

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from firstline.errors import Rejected, Unauthorized, Unavailable
from firstline.query import Answer, QuerySettings, Source, source

pytestmark = pytest.mark.anyio


@pytest.fixture
async def prometheus(loopback: Callable[[Any], str]) -> AsyncIterator[Source]:
    app = FastAPI()

    @app.post("/api/v1/query")
    async def query(request: Request) -> Any:
        form = dict(parse_qsl((await request.body()).decode()))
        query, timeout = form["query"], form["timeout"]
        if request.headers.get("authorization") != "Bearer a-token":
            return JSONResponse({}, 401)
        if query == "broken{":
            error = {"status": "error", "errorType": "bad_data", "error": "1:8: parse error: unexpected end of input"}
            return JSONResponse(error, 400)
        if query == "slow":
            return JSONResponse({"status": "error", "errorType": "timeout", "error": "query timed out"}, 503)
        assert (query, timeout) == ('up{instance="web1"}', "2000ms")
        return {"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1, "1"]}]}}

    made = source(QuerySettings(kind="prometheus", url=loopback(app), token="a-token"))
    yield made
    await made.aclose()


async def test_an_instant_query_gives_its_value(prometheus: Source) -> None:
    assert await prometheus.ask("up{instance=:host}", {"host": "web1"}, 2) == Answer(1.0, 1)


async def test_a_question_that_is_no_promql_is_refused_in_its_words(prometheus: Source) -> None:
    with pytest.raises(Rejected, match="unexpected end of input"):
        await prometheus.ask("broken{", {}, 2)


async def test_one_that_takes_too_long_is_unavailable(prometheus: Source) -> None:
    with pytest.raises(Unavailable, match="query timed out"):
        await prometheus.ask("slow", {}, 2)


async def test_a_wrong_token_is_unauthorized(prometheus: Source, loopback: Callable[[Any], str]) -> None:
    other = source(QuerySettings(kind="prometheus", url=str(prometheus._http.base_url), token="x"))  # type: ignore[attr-defined]
    with pytest.raises(Unauthorized):
        await other.ask("up", {}, 2)
    await other.aclose()
