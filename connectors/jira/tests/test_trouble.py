from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from firstline.connector import Attachment, ChangeDraft, Evidence, Note, StateChange, Update, Window
from firstline.errors import FirstlineError, Rejected, Unauthorized, Unavailable
from firstline.incident import Reference
from firstline.testing.loopback import serve
from firstline_jira.connector import JiraConnector

pytestmark = pytest.mark.anyio

Make = Callable[..., JiraConnector]
Loopback = Callable[[Any], str]

LOG = Attachment(key="k", name="log.txt", content=b"log", tried=False)

CALLS: dict[str, Callable[[JiraConnector, Reference], Any]] = {
    "fetch": lambda jira, at: jira.fetch(at),
    "write_note, tried": lambda jira, at: jira.write_note(at, Note(key="k", headline="h")),
    "write_note": lambda jira, at: jira.write_note(at, Note(key="k", headline="h", tried=False)),
    "set_state": lambda jira, at: jira.set_state(at, StateChange(to="resolved")),
    "open, tried": lambda jira, _: jira.open(ChangeDraft(key="k", type="normal", short_description="s")),
    "open": lambda jira, _: jira.open(ChangeDraft(key="k", type="normal", short_description="s", tried=False)),
    "standing": lambda jira, at: jira.standing(at),
    "request": lambda jira, at: jira.request(at, Evidence()),
    "move": lambda jira, at: jira.move(at, "implement", Evidence()),
    "conflicts": lambda jira, at: jira.conflicts(at),
    "poll": lambda jira, _: jira.poll(Window(since=datetime(2026, 11, 1, tzinfo=UTC))),
    "connect": lambda jira, _: jira.connect("http://127.0.0.1:9/hooks/jira-prod"),
    "update": lambda jira, at: jira.update(at, Update(priority=1)),
    "reassign": lambda jira, at: jira.set_state(at, StateChange(to="reassigned", assignee="sam")),
    "attach": lambda jira, at: jira.attach(at, LOG),
    "attach, tried": lambda jira, at: jira.attach(at, LOG.model_copy(update={"tried": True})),
    "attached": lambda jira, at: jira.attached(at),
}

STATUSES: list[tuple[int, type[FirstlineError]]] = [
    *((status, Rejected) for status in (302, 400, 403, 404, 405, 409, 410, 413, 422)),
    (401, Unauthorized),
    *((status, Unavailable) for status in (408, 423, 425, 429, 500, 502, 503, 504)),
]


class Answering:
    """A Jira that says the same to everything; what it says can be changed."""

    def __init__(self, status: int = 200, body: str = '{"errorMessages": ["as asked"], "errors": {}}') -> None:
        self.status = status
        self.body = body
        self.headers = {"Location": "/elsewhere"}
        self.app = Starlette(routes=[Route("/{path:path}", self._answer, methods=["GET", "POST", "PUT"])])

    async def _answer(self, _: Request) -> Response:
        return PlainTextResponse(self.body, self.status, headers=self.headers, media_type="application/json")


@pytest.fixture(scope="module")
def served_answers() -> Iterator[tuple[Answering, str]]:
    answering = Answering()
    with serve(answering.app) as address:
        yield answering, address


@pytest.fixture
def answering(served_answers: tuple[Answering, str]) -> Answering:
    """The one that is served, saying again what it says by itself."""
    answering, _ = served_answers
    answering.status, answering.body, answering.headers = 200, Answering().body, {"Location": "/elsewhere"}
    return answering


@pytest.fixture
def jira(make: Make, served_answers: tuple[Answering, str], answering: Answering) -> JiraConnector:
    """A connector to it."""
    return make(served_answers[1], own_account_id="5b")


async def raised(call: str, jira: JiraConnector, incident: Reference) -> type[Exception] | None:
    try:
        await CALLS[call](jira, incident)
    except FirstlineError as error:
        return type(error)
    return None


@pytest.mark.parametrize("call", CALLS)
async def test_each_status_is_the_right_error_in_each_call(
    jira: JiraConnector, answering: Answering, incident: Reference, call: str
) -> None:
    found = {}
    for answering.status in dict(STATUSES):
        found[answering.status] = await raised(call, jira, incident)
    assert found == dict(STATUSES)


@pytest.mark.parametrize("call", CALLS)
async def test_a_success_that_is_not_jiras_is_unavailable(
    jira: JiraConnector, answering: Answering, incident: Reference, call: str
) -> None:
    bodies = ["<html>hibernating</html>", "", "[]", "{}", "null", "7", '[{"a": 1}]']
    found = {}
    for answering.body in bodies:
        found[answering.body] = await raised(call, jira, incident)
    assert found == dict.fromkeys(bodies, Unavailable)


@pytest.mark.parametrize("call", CALLS)
async def test_the_wait_that_jira_asks_for_is_handed_on(
    jira: JiraConnector, answering: Answering, incident: Reference, call: str
) -> None:
    answering.status, answering.headers = 429, {"Retry-After": "17"}
    with pytest.raises(Unavailable) as caught:
        await CALLS[call](jira, incident)
    assert caught.value.retry_after == 17


async def test_the_vendors_words_are_in_the_error(
    jira: JiraConnector, answering: Answering, incident: Reference
) -> None:
    answering.status, answering.body = 404, '{"errorMessages": ["Issue does not exist"], "errors": {}}'
    with pytest.raises(Rejected, match="Issue does not exist"):
        await jira.fetch(incident)


async def test_a_failed_request_is_sent_once(make: Make, loopback: Loopback, incident: Reference) -> None:
    count = 0

    async def answer(_: Request) -> Response:
        nonlocal count
        count += 1
        return PlainTextResponse("", 503)

    jira = make(loopback(Starlette(routes=[Route("/{path:path}", answer)])))
    with pytest.raises(Unavailable):
        await jira.fetch(incident)
    assert count == 1


ODD = ("", "..", "10001/../..", "10001?a=b", "help-1", "HELP-", "10001\n", "1" * 40)
OF_AN_ISSUE = (
    "fetch", "write_note", "set_state", "request", "standing", "move", "conflicts", "update", "reassign", "attach",
    "attached",
)  # fmt: skip


@pytest.mark.parametrize("call", OF_AN_ISSUE)
async def test_an_odd_id_is_rejected_before_it_is_sent(make: Make, incident: Reference, call: str) -> None:
    jira = make("http://127.0.0.1:9", own_account_id="5b")
    for odd in ODD:
        with pytest.raises(Rejected):
            await CALLS[call](jira, incident.model_copy(update={"id": odd}))
