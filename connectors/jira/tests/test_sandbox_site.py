"""The sandbox as people and other programs meet it: its refusals, its search, its page, its approvers."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from connectors.jira.tests.conftest import REQUESTS

from firstline.connector import ChangeDraft, Evidence, Note, SandboxSettings
from firstline.incident import Reference
from firstline.testing.loopback import serve
from firstline_jira.connector import JiraConnector
from firstline_jira.sandbox import create_app

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    """With one incident."""
    with serve(create_app(SandboxSettings(seed={"requests": REQUESTS[:1]}))) as address:
        yield address


async def test_the_old_search_is_gone(site: httpx.AsyncClient) -> None:
    answer = await site.get("/rest/api/3/search?jql=project=HELP")
    assert answer.status_code == 410
    assert set(answer.json()) == {"errorMessages", "errors"}


async def test_who_does_not_sign_in_is_refused(address: str) -> None:
    async with httpx.AsyncClient(base_url=address, trust_env=False) as http:
        for auth in (None, ("hub@example.com", "wrong")):
            assert (await http.get("/rest/api/3/myself", auth=auth)).status_code == 401


async def test_a_comment_longer_than_allowed_is_refused(site: httpx.AsyncClient) -> None:
    words = [{"type": "paragraph", "content": [{"type": "text", "text": "x" * 33_000}]}]
    body = {"body": {"type": "doc", "version": 1, "content": words}}
    answer = await site.post("/rest/api/3/issue/HELP-1/comment", json=body)
    assert answer.status_code == 400
    assert "32,767" in answer.json()["errors"]["comment"]


@pytest.mark.parametrize(
    ("jql", "count"),
    [
        ("project = HELP", 1),
        ('key = "HELP-1"', 1),
        ("key in (HELP-1, HELP-7)", 1),
        ('status = "Open" AND labels = nothing', 0),
        ('project = HELP AND status != "Open"', 0),
        ('created >= "2020-01-01" AND updated < "2099/01/01 10:00"', 1),
        ("statusCategory != Done ORDER BY updated DESC", 1),
        ('text ~ "\\"does not answer\\""', 1),
        ('text ~ "does not work"', 0),
    ],
)
async def test_search_understands_a_part_of_jql(site: httpx.AsyncClient, jql: str, count: int) -> None:
    answer = await site.post("/rest/api/3/search/jql", json={"jql": jql})
    assert len(answer.json()["issues"]) == count


async def test_a_person_sees_the_issues_with_internal_notes_marked(
    jira: JiraConnector, site: httpx.AsyncClient, incident: Reference
) -> None:
    await jira.write_note(incident, Note(key="n", headline="<b>Mended</b>"))
    page = (await site.get("/")).text
    assert "HELP-1 · The shop does not answer" in page
    assert "Internal note" in page
    assert "&lt;b&gt;Mended&lt;/b&gt;" in page
    assert "http" not in page.replace("https://", "http")


async def test_a_person_answers_an_approval_on_the_page(jira: JiraConnector, site: httpx.AsyncClient) -> None:
    change = await jira.open(ChangeDraft(key="k", type="normal", short_description="s"))
    await jira.request(change, Evidence())
    assert f'formaction="/sandbox/request-approval/{change.number}/approve"' in (await site.get("/")).text
    answer = await site.post(f"/sandbox/request-approval/{change.number}/approve", headers={"Accept": "text/html"})
    assert answer.status_code == 303
    assert (await jira.standing(change)).approval.state == "approved"


async def test_a_person_answers_as_one_of_the_approvers_and_moves_the_planned_times_on_the_page(
    jira: JiraConnector, site: httpx.AsyncClient
) -> None:
    change = await jira.open(ChangeDraft(key="k", type="normal", short_description="s"))
    await jira.request(change, Evidence())
    page = (await site.get("/")).text
    assert '<option value="change.manager@example.com">Change Manager</option>' in page
    times = {"start": "2026-11-24T09:00", "end": "2026-11-24T10:30"}
    moved = await site.post(f"/sandbox/planned-times/{change.number}", data=times, headers={"Accept": "text/html"})
    assert moved.status_code == 303
    assert (await jira.standing(change)).planned_end == datetime(2026, 11, 24, 10, 30, tzinfo=UTC)
    answers = [
        (await site.post(f"/sandbox/request-approval/{change.number}/approve", data={"approver": who})).status_code
        for who in ("sam.agent@example.com", "change.manager@example.com")
    ]
    assert answers == [403, 200]


async def test_only_an_approver_answers_over_the_api(jira: JiraConnector, address: str) -> None:
    change = await jira.open(ChangeDraft(key="k", type="normal", short_description="s"))
    await jira.request(change, Evidence())
    path = f"{address}/rest/servicedeskapi/request/{change.id}/approval/1"
    async with httpx.AsyncClient(trust_env=False) as http:
        for email, status in (("hub@example.com", 403), ("change.manager@example.com", 200)):
            answer = await http.post(path, json={"decision": "approve"}, auth=(email, "sandbox-token"))
            assert answer.status_code == status


async def test_a_reset_brings_the_seed_back(jira: JiraConnector, site: httpx.AsyncClient, incident: Reference) -> None:
    await jira.write_note(incident, Note(key="n", headline="h"))
    await site.post("/sandbox/reset")
    state = (await site.get("/sandbox/state")).json()
    assert state["requests"] == 0
    assert [(issue["id"], issue["key"], issue["comments"]) for issue in state["issues"]] == [("10001", "HELP-1", [])]


async def test_troubles_that_are_none_are_refused_and_a_reset_ends_them(site: httpx.AsyncClient) -> None:
    assert (await site.put("/sandbox/trouble", json={"colour": "red"})).status_code == 400
    await site.put("/sandbox/trouble", json={"hidden": ["HELP-1"]})
    assert (await site.get("/rest/api/3/issue/HELP-1")).status_code == 404
    await site.post("/sandbox/reset")
    assert (await site.get("/sandbox/trouble")).json()["hidden"] == []
    assert (await site.get("/rest/api/3/issue/HELP-1")).status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"jql": "updated >= '2026'"},
        {"jql": 'updated >= "2026-11-23 04:00:01"'},
        {"jql": "project = HELP", "startAt": 0},
        {"jql": "project = HELP", "nextPageToken": "made-up"},
        {"jql": "project = HELP", "reconcileIssues": [str(n) for n in range(3)]},
    ],
)
async def test_a_search_that_jira_does_not_take_is_refused(site: httpx.AsyncClient, wrong: dict[str, Any]) -> None:
    assert (await site.post("/rest/api/3/search/jql", json=wrong)).status_code == 400
