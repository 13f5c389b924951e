"""The Table API through pysnow, on a real socket: each answer becomes the right error, and nothing leaks or mixes."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import anyio
import pytest
from connectors.servicenow.tests.stage import PASSWORD, USERS, sandbox, settings
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from firstline.connector import SandboxSettings
from firstline.errors import FirstlineError, Rejected, Unauthorized, Unavailable
from firstline.meter import Meter
from firstline_servicenow import query
from firstline_servicenow.sandbox import create_app
from firstline_servicenow.sign_in import sign_in
from firstline_servicenow.table import Table

pytestmark = pytest.mark.anyio

SYS_ID = "a" * 32
STATUSES: list[tuple[int, type[FirstlineError]]] = [
    (302, Rejected),
    (400, Rejected),
    (401, Unauthorized),
    (403, Rejected),
    (404, Rejected),
    (408, Unavailable),
    (409, Rejected),
    (429, Unavailable),
    (500, Unavailable),
    (502, Unavailable),
    (503, Unavailable),
]
Opened = Callable[[Any], Table]


@pytest.fixture
async def opened(loopback: Any) -> AsyncIterator[Opened]:
    tables: list[Table] = []

    def open_(app: Any) -> Table:
        address = loopback(app)
        tables.append(Table(address, sign_in(settings(address), Meter()), Meter()))
        return tables[-1]

    yield open_
    for table in tables:
        table.close()


def answering(response: Callable[[Request], Response]) -> Starlette:
    async def answer(request: Request) -> Response:
        return response(request)

    return Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "PATCH"])])


def saying(status: int, body: str = "{}", **headers: str) -> Starlette:
    headers = {"Content-Type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}}
    return answering(lambda _: PlainTextResponse(body, status, headers))


@pytest.mark.parametrize(("status", "error"), STATUSES)
async def test_each_status_is_its_error_for_reads_and_writes(
    opened: Opened, status: int, error: type[FirstlineError]
) -> None:
    table = opened(saying(status, '{"error": {"message": "as asked"}}', Retry_After="7"))
    for call in (
        lambda: table.get("incident", SYS_ID),
        lambda: table.find("incident", "", ()),
        lambda: table.update("incident", SYS_ID, {"state": "2"}),
    ):
        with pytest.raises(error, match="as asked") as caught:
            await call()
        assert PASSWORD not in str(caught.value)
        if isinstance(caught.value, Unavailable):
            assert caught.value.retry_after == 7


async def test_a_redirect_is_refused_and_not_followed(opened: Opened) -> None:
    table = opened(answering(lambda _: RedirectResponse("http://127.0.0.1:9/")))
    with pytest.raises(Rejected, match="307"):
        await table.get("incident", SYS_ID)


async def test_a_hibernating_instance_is_unavailable(opened: Opened) -> None:
    table = opened(saying(200, "<html>Your instance is hibernating</html>", Content_Type="text/html"))
    with pytest.raises(Unavailable, match="hibernating"):
        await table.find("incident", "", ())


@pytest.mark.parametrize("body", ["", "{", "nonsense"])
async def test_broken_json_is_unavailable(opened: Opened, body: str) -> None:
    with pytest.raises(Unavailable):
        await opened(saying(200, body)).get("incident", SYS_ID)


@pytest.mark.parametrize("body", ["{}", '{"result": null}', '{"result": []}', '{"result": ["text"]}'])
async def test_json_without_the_row_is_rejected(opened: Opened, body: str) -> None:
    with pytest.raises(Rejected):
        await opened(saying(200, body)).get("incident", SYS_ID)


async def test_concurrent_calls_keep_their_own_queries(opened: Opened) -> None:
    seed = [{"number": f"INC{n:07d}"} for n in range(1, 41)]

    table = opened(create_app(SandboxSettings(seed={"users": USERS, "incident": seed})))
    mixed: list[str] = []

    async def ask(number: str) -> None:
        found = await table.find("incident", query.where(("number", "=", number)), ("number",))
        if [row["number"]["value"] for row in found.rows] != [number]:
            mixed.append(number)

    async with anyio.create_task_group() as group:
        for record in seed * 3:
            group.start_soon(ask, record["number"])
    assert mixed == []


async def test_a_request_carries_only_parameters_that_say_something(opened: Opened) -> None:
    """Documented values are lower-case, and an empty `sysparm_fields` could be read as no field at all."""
    asked: list[dict[str, str]] = []

    def answer(request: Request) -> Response:
        asked.append(dict(request.query_params))
        row = {"sys_id": SYS_ID}
        return JSONResponse({"result": row if request.url.path.endswith(SYS_ID) else [row]})

    table = opened(answering(answer))
    await table.get("incident", SYS_ID)
    await table.update("incident", SYS_ID, {"state": "2"})
    await table.find("incident", "number=INC0010001", ("number", "state"), 10)
    await table.find("incident", "", ())
    shown = {"sysparm_display_value": "all", "sysparm_exclude_reference_link": "true"}
    assert asked == [
        shown,
        shown | {"sysparm_fields": "sys_id"},
        shown | {"sysparm_query": "number=INC0010001", "sysparm_fields": "number,state", "sysparm_limit": "10"},
        shown | {"sysparm_limit": "2"},
    ]


async def test_rows_that_access_rules_hide_are_counted(opened: Opened) -> None:
    found = await opened(saying(200, '{"result": []}', X_Total_Count="3")).find("incident", "", ())
    assert found.hidden


@pytest.mark.parametrize("value", ["a^ORactive=true", "javascript:gs.getUserID()", "", "two\nlines"])
def test_a_value_that_would_be_a_query_is_refused(value: str) -> None:
    with pytest.raises(Rejected):
        query.where(("name", "=", value))


async def test_a_table_or_row_that_is_none_is_refused_before_it_is_sent(opened: Opened) -> None:
    table = opened(sandbox())
    with pytest.raises(Rejected, match="no table's name"):
        await table.find("../x", "", ())
    with pytest.raises(Rejected, match="no sys_id"):
        await table.get("incident", "../x")
