"""Signing in, and counting what is asked: the same for both HTTP clients underneath."""

from typing import Any

import httpx
import pytest
from connectors.servicenow.tests.stage import INCIDENT, PASSWORD, settings
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from firstline.connector import Attachment, Note
from firstline.errors import Rejected, Unauthorized, Unavailable
from firstline.incident import Reference
from firstline.meter import Meter, Quota
from firstline_servicenow.limit import quota
from firstline_servicenow.sign_in import ClientCredentials, sign_in

pytestmark = pytest.mark.anyio

REFERENCE = Reference(connection="prod", kind="incident", id=INCIDENT, number="INC0010001")
LOG = Attachment(key="k", name="log.txt", content=b"log")
OAUTH = {"password": None, "client_id": "firstline-client", "client_secret": "firstline-secret"}
KEY = {"password": None, "api_key": "firstline-key"}


async def requests(address: str) -> dict[str, int]:
    async with httpx.AsyncClient(trust_env=False) as http:
        found: dict[str, int] = (await http.get(f"{address}/sandbox/state")).json()["requests"]["by"]
        return found


@pytest.mark.parametrize("kind", [{}, OAUTH, KEY], ids=["basic", "oauth", "api key"])
async def test_each_kind_signs_in_for_the_table_api_and_the_others(connect: Any, address: str, kind: Any) -> None:
    connector = connect(address, **kind)
    assert (await connector.fetch(REFERENCE)).reference.id == INCIDENT
    await connector.attach(REFERENCE, LOG)
    assert all(finding.ok for finding in await connector.check())


@pytest.mark.parametrize("kind", [{**OAUTH, "client_secret": "wrong"}, {**KEY, "api_key": "wrong"}])
async def test_a_wrong_secret_is_unauthorized_and_not_shown(connect: Any, address: str, kind: Any) -> None:
    connector = connect(address, **kind)
    for act in (connector.fetch(REFERENCE), connector.attach(REFERENCE, LOG)):
        with pytest.raises(Unauthorized) as caught:
            await act
        assert "wrong" not in str(caught.value)


async def test_one_token_serves_many_requests(connect: Any, address: str) -> None:
    connector = connect(address, **OAUTH)
    for _ in range(3):
        await connector.fetch(REFERENCE)
    await connector.attach(REFERENCE, LOG)
    assert (await requests(address))["POST token"] == 1


async def test_a_token_that_is_no_longer_taken_is_replaced_and_the_request_done_once(
    connect: Any, address: str, person: httpx.AsyncClient
) -> None:
    connector = connect(address, **OAUTH)
    await connector.write_note(REFERENCE, Note(key="one", headline="h", tried=False))
    await person.post("/sandbox/tokens/expire")
    await connector.write_note(REFERENCE, Note(key="two", headline="h", tried=False))
    await person.post("/sandbox/tokens/expire")
    await connector.attach(REFERENCE, LOG)
    state = (await person.get("/sandbox/state")).json()
    assert len(state["tables"]["sys_journal_field"]) == 2
    assert len(state["tables"]["sys_attachment"]) == 1
    assert connector.meter.take()[0] == state["requests"]["total"]


def credentials(address: str, now: list[float], **more: str) -> ClientCredentials:
    given = {"client_id": "firstline-client", "client_secret": "firstline-secret", **more}
    return ClientCredentials(address, given["client_id"], given["client_secret"], Meter(), lambda: now[0])


async def test_a_token_is_replaced_a_minute_before_its_end(address: str) -> None:
    now = [1000.0]
    made = credentials(address, now)
    first = made.headers()
    now[0] += 1738
    assert made.headers() == first
    now[0] += 2
    assert made.headers() != first


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (JSONResponse({"error": "access_denied"}, 401), Unauthorized),
        (JSONResponse({"error": "server_error"}, 503), Unavailable),
        (Response(status_code=302, headers={"Location": "http://127.0.0.1:9/"}), Rejected),
        (HTMLResponse("<html>hibernating</html>"), Unavailable),
        (JSONResponse({"scope": "useraccount"}), Unavailable),
        (JSONResponse(["no", "object"]), Unavailable),
    ],
)
async def test_no_token_is_an_error_that_says_what_happens_next(loopback: Any, answer: Response, error: Any) -> None:
    async def give(_: Request) -> Response:
        return answer

    address = loopback(Starlette(routes=[Route("/oauth_token.do", give, methods=["POST"])]))
    with pytest.raises(error) as caught:
        credentials(address, [0.0], client_secret="not for logs").headers()
    assert "not for logs" not in str(caught.value)


def test_an_instance_that_is_not_there_gives_no_token_and_shows_no_secret() -> None:
    with pytest.raises(Unavailable) as caught:
        credentials("http://127.0.0.1:9", [0.0], client_secret="not for logs").headers()
    assert "not for logs" not in str(caught.value)


def test_a_password_is_sent_as_utf_8() -> None:
    made = sign_in(settings("http://127.0.0.1:9", user="ü", password="é"), Meter())
    assert made.headers() == {"Authorization": "Basic w7w6w6k="}


# the limit


async def test_each_answers_limit_is_told_to_the_meter(connect: Any, address: str, person: httpx.AsyncClient) -> None:
    connector = connect(address)
    await connector.fetch(REFERENCE)
    assert connector.meter.take() == (1, None)
    await person.put("/sandbox/rules", json={"limit": 500})
    for act in (connector.fetch(REFERENCE), connector.attach(REFERENCE, LOG)):
        await act
        _, told = connector.meter.take()
        assert told is not None
        assert (told.limit, told.window, told.remaining) == (500, 3600.0, None)
        assert told.resets_at is not None


async def test_past_the_limit_the_wait_is_the_instances(connect: Any, address: str, person: httpx.AsyncClient) -> None:
    await person.put("/sandbox/rules", json={"limit": 1})
    connector = connect(address)
    await connector.fetch(REFERENCE)
    with pytest.raises(Unavailable) as caught:
        await connector.fetch(REFERENCE)
    assert caught.value.retry_after is not None
    assert 3000 < caught.value.retry_after <= 3600


@pytest.mark.parametrize("headers", [{}, {"X-RateLimit-Limit": "many"}, {"X-RateLimit-Reset": "1800000000"}])
def test_an_answer_without_a_limit_tells_none(headers: dict[str, str]) -> None:
    assert quota(headers) is None


def test_a_limit_without_a_readable_end_is_a_limit() -> None:
    assert quota({"X-RateLimit-Limit": "500", "X-RateLimit-Reset": "soon"}) == Quota(limit=500, window=3600.0)


def test_no_kind_of_sign_in_is_shown_by_the_settings() -> None:
    for kind in ({}, OAUTH, KEY):
        shown = settings("http://127.0.0.1:9", **kind)
        for secret in (PASSWORD, "firstline-secret", "firstline-key"):
            assert secret not in repr(shown) + shown.model_dump_json()
