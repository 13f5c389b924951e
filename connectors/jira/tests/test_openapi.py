"""Every body over the wire, both ways, against Atlassian's OpenAPI file."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from connectors.jira.tests.conftest import REQUESTS
from connectors.jira.tests.openapi import OpenApi, Recorder

from firstline.connector import Attachment, ChangeDraft, Evidence, Note, SandboxSettings, StateChange, Update, Window
from firstline.errors import Rejected
from firstline.incident import Reference
from firstline.testing.loopback import serve
from firstline_jira.connector import JiraConnector
from firstline_jira.sandbox import create_app
from firstline_jira.sandbox.account import CLIENT, CLOUD_ID, GATEWAY

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def document() -> OpenApi:
    contracts = Path(__file__).parents[3] / "tests" / "contracts" / "jira"
    return OpenApi(contracts / "cloud-platform-v3.openapi.json.gz")


@pytest.fixture(scope="module")
def served_recorder() -> Iterator[tuple[Recorder, str]]:
    recorder = Recorder(create_app(SandboxSettings(seed={"requests": REQUESTS})))
    with serve(recorder) as address:
        yield recorder, address


@pytest.fixture
def served(served_recorder: tuple[Recorder, str]) -> str:
    return served_recorder[1]


@pytest.fixture
def recorder(served_recorder: tuple[Recorder, str], address: str) -> Recorder:
    """What goes over the wire, from the test's beginning."""
    served_recorder[0].seen.clear()
    return served_recorder[0]


def platform(recorder: Recorder) -> Iterator[tuple[str, str, bytes, int, bytes]]:
    return (row for row in recorder.seen if row[1].startswith("/rest/api/3"))


async def test_all_that_the_connector_sends_is_as_documented(
    jira: JiraConnector, recorder: Recorder, document: OpenApi, incident: Reference
) -> None:
    draft = ChangeDraft(key="k", type="standard", short_description="s", incident=incident, ci="shop")
    change = await jira.open(draft)
    await jira.open(draft)
    await jira.write_note(incident, Note(key="n", headline="h", body="b", output="o"))
    await jira.write_note(incident, Note(key="n", headline="h", body="another"))
    for to in ("acknowledged", "escalated", "resolved", "reopened"):
        await jira.set_state(incident, StateChange(to=to, reason="why"))
    await jira.move(change, "implement", Evidence())
    await jira.conflicts(change)
    await jira.blame(incident, change)
    await jira.request(await jira.open(draft.model_copy(update={"key": "n", "type": "normal"})), Evidence(notes="n"))
    await jira.move(change, "closed", Evidence(notes="n", result="successful"))
    await jira.standing(change)
    await jira.poll(Window(since=datetime(2026, 1, 1, tzinfo=UTC)))
    await jira.poll(Window(since=datetime(2026, 1, 1, tzinfo=UTC)))  # with issues to look at anew
    await jira.poll(Window(since=datetime(2026, 1, 1, tzinfo=UTC), by="opened"))
    await jira.update(incident, Update(priority=1, fields={"Root cause": "r", "Backout plan": "b"}))
    await jira.set_state(incident, StateChange(to="reassigned", assignee="Kim Oncall"))
    await jira.attach(incident, Attachment(key="k", name="log.txt", content=b"log"))
    await jira.attached(incident)
    assert all(finding.ok for finding in await jira.check())
    seen = list(platform(recorder))
    for method, path, sent, status, answered in seen:
        if path.endswith("/attachments") or "/attachment/content/" in path:
            document.operation(method, path)  # files have no JSON
        else:
            document.check_request(method, path, sent)
            document.check_answer(method, path, status, answered)
    assert {method for method, *_ in seen} == {"GET", "POST", "PUT"}
    assert len(seen) > 30


READS = [
    "/myself",
    "/mypermissions?permissions=ADD_COMMENTS",
    "/priority",
    "/status",
    "/field",
    "/project/HELP",
    "/project/HELP/statuses",
    "/issue/createmeta/HELP/issuetypes/10102",
    "/issue/HELP-1",
    "/issue/10001?fields=summary,status&properties=firstline",
    "/issue/HELP-1/comment?expand=properties",
    "/issue/HELP-1/properties",
    "/issue/HELP-1/transitions?expand=transitions.fields",
    "/issue/HELP-1/editmeta",
    "/issue/HELP-1/changelog",
    "/issueLinkType",
    "/issue/HELP-1?expand=changelog",
    "/user/assignable/search?issueKey=HELP-1&query=Kim",
    "/serverInfo",
]


@pytest.mark.parametrize("path", READS)
async def test_the_sandbox_answers_a_read_as_documented(
    site: httpx.AsyncClient, recorder: Recorder, document: OpenApi, path: str
) -> None:
    answer = await site.get(f"/rest/api/3{path}")
    assert answer.status_code == 200
    document.check_answer("GET", answer.request.url.path, 200, answer.content)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/issue/HELP-99", None, 404),
        ("GET", "/issue/HELP-99/comment", None, 404),
        ("GET", "/issue/HELP-1/properties/none", None, 404),
        ("GET", "/project/NONE", None, 404),
        ("POST", "/issue", {"fields": {"project": {"key": "NONE"}}}, 400),
        ("POST", "/issue", {"fields": {"project": {"key": "HELP"}, "issuetype": {"id": "10100"}}}, 400),
        ("POST", "/issue/HELP-1/comment", {"body": "text is not a document"}, 400),
        ("PUT", "/issue/HELP-1", {"fields": {"colour": "red"}}, 400),
        ("PUT", "/issue/HELP-1", {"fields": {"priority": {"name": "P9"}}}, 400),
        ("POST", "/issue/HELP-1/transitions", {"transition": {"id": "99"}}, 400),
        ("POST", "/issue/HELP-1/transitions", {"transition": {"id": "41"}}, 400),
        ("POST", "/search/jql", {"jql": ""}, 400),
        ("POST", "/search/jql", {"jql": "colour = red"}, 400),
        ("POST", "/issue/bulkfetch", {"issueIdsOrKeys": []}, 400),
    ],
)
async def test_the_sandbox_refuses_as_documented(
    site: httpx.AsyncClient, document: OpenApi, method: str, path: str, body: Any, status: int
) -> None:
    answer = await site.request(method, f"/rest/api/3{path}", json=body)
    document.check_answer(method, f"/rest/api/3{path}", answer.status_code, answer.content)
    assert answer.status_code == status


async def test_properties_are_kept_as_documented(site: httpx.AsyncClient, document: OpenApi) -> None:
    path = "/rest/api/3/issue/HELP-1/properties/colour"
    for status in (201, 200):
        assert (await site.put(path, json={"is": "red"})).status_code == status
    answer = await site.get(path)
    document.check_answer("GET", path, 200, answer.content)
    assert answer.json() == {"key": "colour", "value": {"is": "red"}}


async def test_properties_of_a_comment_are_read_as_documented(
    jira: JiraConnector, site: httpx.AsyncClient, document: OpenApi, incident: Reference
) -> None:
    comment = await jira.write_note(incident, Note(key="n", headline="h"))
    all_of_them = f"/rest/api/3/comment/{comment.id}/properties"
    for path in (all_of_them, f"{all_of_them}/firstline"):
        answer = await site.get(path)
        document.check_answer("GET", path, answer.status_code, answer.content)


async def test_dynamic_webhooks_are_registered_as_documented(
    make: Callable[..., JiraConnector], address: str, recorder: Recorder, document: OpenApi
) -> None:
    sign_in = {**CLIENT, "cloud_id": CLOUD_ID, "token_url": f"{address}/oauth/token", "api_url": address}
    jira = make(address, user="", api_token=None, oauth=sign_in, projects=["HELP"], unsigned_hooks=True)
    for _ in range(2):
        await jira.connect("http://127.0.0.1:9/hooks/jira-prod")
    seen = [row for row in recorder.seen if row[1].startswith(GATEWAY)]
    for method, path, sent, status, answered in seen:
        document.check_request(method, path.removeprefix(GATEWAY), sent)
        document.check_answer(method, path.removeprefix(GATEWAY), status, answered)
    assert {(method, path.removeprefix(f"{GATEWAY}/rest/api/3/")) for method, path, *_ in seen} == {
        ("GET", "webhook"),
        ("POST", "webhook"),
        ("PUT", "webhook/refresh"),
    }


async def test_the_check_itself_fails_on_what_is_not_documented(document: OpenApi) -> None:
    with pytest.raises(AssertionError):
        document.check_answer("GET", "/rest/api/3/myself", 200, b'{"colour": "red"}')
    with pytest.raises(AssertionError):
        document.check_request("POST", "/rest/api/3/issue/bulkfetch", b"{}")
    with pytest.raises(AssertionError):
        document.operation("GET", "/rest/api/3/nothing")


async def test_search_pages_by_token(site: httpx.AsyncClient, document: OpenApi) -> None:
    path, found, token = "/rest/api/3/search/jql", [], None
    while True:
        query = {"jql": "project = HELP ORDER BY key ASC", "maxResults": 1, "fields": ["summary"]}
        answer = await site.post(path, json=query | ({"nextPageToken": token} if token else {}))
        document.check_answer("POST", path, 200, answer.content)
        found += [issue["key"] for issue in answer.json()["issues"]]
        token = answer.json().get("nextPageToken")
        if not token:
            break
    assert found == ["HELP-1", "HELP-2"]


async def test_a_draft_for_a_missing_field_is_rejected_in_the_vendors_words(
    jira: JiraConnector, site: httpx.AsyncClient
) -> None:
    missing = Reference(connection="jira-prod", kind="issue", id="99999")
    with pytest.raises(Rejected, match="does not exist"):
        await jira.write_note(missing, Note(key="n", headline="h"))
