"""Polling: windows, pages, the account's time zone, late and hidden rows."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from connectors.jira.tests.inside import LONG_AGO, PAT, SAM, Inside
from hypothesis import given
from hypothesis import strategies as some

from firstline.connector import ChangeDraft, Page, Window
from firstline.errors import Unavailable
from firstline.incident import IncidentState
from firstline_jira import poll, rest, when
from firstline_jira.connector import JiraConnector
from firstline_jira.sandbox import search
from firstline_jira.sandbox.trouble import Trouble

pytestmark = pytest.mark.anyio

Make = Callable[..., JiraConnector]
EVERYTHING = Window(since=LONG_AGO)
DEPLOYMENTS = ["cloud", "datacenter"]


def keys(page: Page) -> list[str]:
    return [json.loads(delivery.body)["issue"]["key"] for delivery in page.deliveries]


def after(inside: Inside, steps: int = 0) -> datetime:
    """A time between the last happening and the next; `steps` happenings earlier."""
    return inside._moment + timedelta(seconds=5 - 10 * steps)


async def test_a_poll_over_the_wire_tells_the_opening_and_what_followed(
    jira: JiraConnector, site: httpx.AsyncClient
) -> None:
    await site.post("/rest/api/3/issue/HELP-1/transitions", json={"transition": {"id": "11"}})
    page = await jira.poll(EVERYTHING)
    (first, second) = page.deliveries
    events = [event for delivery in (first, second) for event in jira.translate(delivery)]
    assert sorted(event.type for event in events) == ["incident.opened", "incident.opened", "incident.updated"]
    acknowledged = next(event for event in events if event.type == "incident.updated")
    assert acknowledged.incident is not None
    assert acknowledged.incident.state == IncidentState.ACKNOWLEDGED
    assert acknowledged.incident.agreements[0].name == "Time to resolution"
    assert all(delivery.polled and delivery.received_at for delivery in page.deliveries)
    assert page.next == ""
    assert page.total is None
    assert page.complete_to is not None
    assert abs(page.complete_to - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
async def test_the_same_version_has_the_same_key_and_another_has_another(deployment: str) -> None:
    inside = Inside(deployment=deployment)
    issue = inside.open()
    (before,) = await inside.poll(EVERYTHING)
    (again,) = await inside.poll(Window(since=inside._moment))
    assert before.key == again.key
    inside.say(issue, "me too")
    (changed,) = await inside.poll(EVERYTHING)
    assert changed.key != before.key


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kathmandu", "Pacific/Auckland"])
async def test_a_window_is_exact_whatever_the_accounts_time_zone(deployment: str, zone: str) -> None:
    inside = Inside(deployment=deployment, trouble={"time_zone": zone})
    for number in range(4):
        inside.open(f"fault {number}")
    since = after(inside, 2)
    found = await inside.connector.poll(Window(since=since))
    assert keys(found) == ["HELP-3", "HELP-4"]
    assert all(delivery.body for delivery in found.deliveries)


@given(
    some.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1)),
    some.sampled_from(["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Etc/UTC", "Africa/Casablanca"]),
)
def test_what_is_asked_for_holds_the_moment_whichever_hour_is_meant_when_clocks_go_back(
    moment: datetime, name: str
) -> None:
    instant, zone = moment.replace(tzinfo=UTC), ZoneInfo(name)
    for fold in (0, 1):
        lower, upper = (
            datetime.strptime(written, "%Y-%m-%d %H:%M").replace(tzinfo=zone, fold=fold).astimezone(UTC)
            for written in (when.not_before(instant, zone), when.before(instant, zone))
        )
        assert lower <= instant < upper
        assert upper - lower <= timedelta(hours=5)


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
async def test_each_row_comes_once_or_more_over_pages_though_rows_move_meanwhile(
    monkeypatch: pytest.MonkeyPatch, deployment: str
) -> None:
    monkeypatch.setattr(poll, "SIZE", 5)
    monkeypatch.setattr(poll, "BACK", 2)
    inside = Inside(deployment=deployment)
    issues = [inside.open(f"fault {number}") for number in range(20)]
    answer = await inside.connector.poll(EVERYTHING)
    seen = set(keys(answer))
    for moved in issues[:4]:
        inside.say(moved, "moved to the end")
        answer = await inside.connector.poll(EVERYTHING, answer.next)
        seen |= set(keys(answer))
    while answer.next:
        answer = await inside.connector.poll(EVERYTHING, answer.next)
        seen |= set(keys(answer))
    assert seen == {issue.key for issue in issues}


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
async def test_rows_of_one_minute_come_over_several_pages(monkeypatch: pytest.MonkeyPatch, deployment: str) -> None:
    monkeypatch.setattr(poll, "SIZE", 3)
    monkeypatch.setattr(poll, "BACK", 1)
    inside = Inside(deployment=deployment)
    moment = inside._moment
    inside.actions.records.now = lambda: moment
    for number in range(8):
        inside.open(f"fault {number}")
    found = await inside.poll(EVERYTHING)
    assert {json.loads(delivery.body)["issue"]["key"] for delivery in found} == {f"HELP-{n}" for n in range(1, 9)}


async def test_a_page_that_is_not_the_last_is_complete_to_its_last_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poll, "SIZE", 2)
    inside = Inside()
    issues = [inside.open() for _ in range(3)]
    first = await inside.connector.poll(EVERYTHING)
    assert first.complete_to == issues[1].updated
    page = first
    while page.next:
        page = await inside.connector.poll(EVERYTHING, page.next)
    assert page.complete_to is not None
    assert page.complete_to > issues[2].updated


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
async def test_a_row_that_search_knows_late_is_brought_by_the_overlap(deployment: str) -> None:
    inside = Inside(deployment=deployment, trouble={"index_delay": 3600})
    issue = inside.open()
    page = await inside.connector.poll(EVERYTHING)
    assert page.deliveries == ()
    inside.sandbox.troubles.now = Trouble()
    overlap = timedelta(seconds=JiraConnector.overlap)
    issue.created = issue.updated = datetime.now(UTC) - timedelta(minutes=4)
    issue.changed = [(0.0, issue.updated)]
    assert page.complete_to is not None
    (late,) = await inside.poll(Window(since=page.complete_to - overlap))
    assert inside.events(late)[0].type == "incident.opened"


async def test_an_issue_seen_before_is_looked_at_anew_though_search_runs_behind() -> None:
    inside = Inside()
    issue = inside.open()
    await inside.poll(EVERYTHING)
    inside.sandbox.troubles.now = Trouble(index_delay=3600)
    inside.say(issue, "still down")
    since = after(inside, 1)
    (changed,) = await inside.poll(Window(since=since))
    assert "incident.commented" in [event.type for event in inside.events(changed)]


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
async def test_what_was_opened_in_a_window_is_told_as_it_is_now_and_only_its_opening(deployment: str) -> None:
    inside = Inside(deployment=deployment)
    inside.open("before")
    since = after(inside)
    wanted = inside.open("wanted")
    until = after(inside)
    inside.open("after")
    inside.say(wanted, "changed long after the window")
    (delivery,) = await inside.poll(Window(since=since, until=until, by="opened"))
    (event,) = inside.events(delivery)
    assert (event.type, event.id) == ("incident.opened", f"issue:{wanted.id}:created")
    assert event.incident is not None
    assert event.incident.updated_at == wanted.updated


async def test_a_window_with_an_end_is_complete_to_its_end() -> None:
    inside = Inside()
    until = datetime.now(UTC) - timedelta(hours=1)
    page = await inside.connector.poll(Window(since=LONG_AGO, until=until, by="opened"))
    assert page.complete_to == until


async def test_a_change_in_a_window_is_found_though_the_issue_changed_again_after_it() -> None:
    inside = Inside()
    issue = inside.open()
    since = after(inside)
    inside.say(issue, "in the window")
    until = after(inside)
    inside.say(issue, "after it")
    (delivery,) = await inside.poll(Window(since=since, until=until))
    said = [event.data["comment"]["id"] for event in inside.events(delivery) if event.type == "incident.commented"]
    assert said == [issue.comments[0].id]


async def test_changes_before_the_window_are_not_told_again() -> None:
    inside = Inside()
    issue = inside.open()
    inside.actions.edit(SAM, issue, {"fields": {"summary": "old"}})
    inside.say(issue, "old")
    since = after(inside)
    inside.actions.edit(SAM, issue, {"fields": {"summary": "new"}})
    (delivery,) = await inside.poll(Window(since=since))
    changes = [event.id for event in inside.events(delivery) if event.type != "incident.opened"]
    assert changes == [f"issue:{issue.id}:changelog:{issue.histories[-1].id}"]


async def test_all_of_many_changes_and_comments_are_told() -> None:
    inside = Inside()
    issue = inside.open()
    since = after(inside)
    for number in range(130):
        inside.actions.edit(SAM, issue, {"fields": {"summary": f"fault {number}"}})
    page = await inside.connector.poll(Window(since=since))
    told = inside.events(page.deliveries[0])
    assert len({event.id for event in told if "changelog" in event.id}) == 130


async def test_more_comments_than_a_search_shows_are_read_from_the_issue(
    jira: JiraConnector, site: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "COMMENTS", 2)
    monkeypatch.setattr(rest, "PAGE", 3)
    for number in range(5):
        await site.post("/rest/servicedeskapi/request/HELP-1/comment", json={"body": f"me too {number}"})
    page = await jira.poll(EVERYTHING)
    told = [event for delivery in page.deliveries for event in jira.translate(delivery)]
    assert len({event.id for event in told if event.type == "incident.commented"}) == 5


async def test_a_change_that_nothing_names_is_an_update() -> None:
    """A deleted comment leaves no trace but the issue's time."""
    inside = Inside()
    issue = inside.open()
    comment = inside.say(issue, "oops")
    since = after(inside)
    inside.actions.delete_comment(issue, comment)
    (delivery,) = await inside.poll(Window(since=since))
    (opened, updated) = inside.events(delivery)
    assert (opened.type, updated.type) == ("incident.opened", "incident.updated")
    assert updated.id == f"issue:{issue.id}:updated:{round(issue.updated.timestamp() * 1000)}"


async def test_what_we_did_is_our_own_in_a_poll_too() -> None:
    inside = Inside()
    issue = inside.open()
    since = after(inside)
    hub = type(PAT)("hub@example.com")
    inside.connector._own.add(hub.account_id)
    inside.actions.edit(hub, issue, {"fields": {"priority": {"id": "1"}}})
    inside.actions.edit(SAM, issue, {"fields": {"summary": "another"}})
    (delivery,) = await inside.poll(Window(since=since))
    assert [(event.type, event.own) for event in inside.events(delivery)[1:]] == [
        ("incident.escalated", True),
        ("incident.updated", False),
    ]


async def test_only_the_projects_named_are_asked_for(make: Make, address: str) -> None:
    assert len((await make(address, projects=["HELP"]).poll(EVERYTHING)).deliveries) == 2
    assert (await make(address, projects=["OPS"], change=None).poll(EVERYTHING)).deliveries == ()


async def test_the_change_project_is_polled_for_its_changes_alone(make: Make, address: str) -> None:
    jira = make(address, projects=["OPS"])
    change = await jira.open(ChangeDraft(key="k", type="normal", short_description="s"))
    events = [event for found in (await jira.poll(EVERYTHING)).deliveries for event in jira.translate(found)]
    told = {(event.type, event.reference) for event in events if event.type != "other"}
    assert told == {("change.updated", change)}
    assert all(event.incident is None for event in events)


async def test_an_issue_that_the_account_may_not_see_is_not_brought(
    jira: JiraConnector, site: httpx.AsyncClient
) -> None:
    await site.put("/sandbox/trouble", json={"hidden": ["HELP-1"]})
    assert keys(await jira.poll(EVERYTHING)) == ["HELP-2"]


async def test_a_change_request_that_moved_is_told_by_a_poll(jira: JiraConnector, site: httpx.AsyncClient) -> None:
    await site.post(
        "/rest/servicedeskapi/request",
        json={"serviceDeskId": "1", "requestTypeId": "3", "requestFieldValues": {"summary": "Change"}},
    )
    *_, change = (await jira.poll(EVERYTHING)).deliveries
    assert [event.type for event in jira.translate(change)] == ["change.updated"]


async def test_a_poll_asks_for_what_it_needs_and_no_more(jira: JiraConnector) -> None:
    (delivery, *_) = (await jira.poll(EVERYTHING)).deliveries
    fields = json.loads(delivery.body)["issue"]["fields"]
    assert {"summary", "status", "customfield_10010", "customfield_10030"} <= fields.keys()
    assert not {"comment", "attachment", "customfield_10021", "issuelinks"} & fields.keys()


async def test_a_field_that_mappings_use_is_asked_for_by_its_name(make: Make, address: str) -> None:
    (delivery, *_) = (await make(address, fields=["Root cause"]).poll(EVERYTHING)).deliveries
    assert "customfield_10031" in json.loads(delivery.body)["issue"]["fields"]


async def test_an_answer_that_is_not_jiras_is_unavailable(make: Make, loopback: Callable[[Any], str]) -> None:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route

    async def answer(request: Request) -> Response:
        if request.url.path.endswith("/field"):
            return JSONResponse([])
        return JSONResponse({"accountId": "5b", "issues": [{"id": "1", "fields": {"updated": "soon"}}]})

    app = Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])
    with pytest.raises(Unavailable, match="created: is missing"):
        await make(loopback(app)).poll(EVERYTHING)


async def test_data_center_is_polled_over_the_wire(jira_server: JiraConnector) -> None:
    jira = jira_server
    page = await jira.poll(EVERYTHING)
    assert [event.type for delivery in page.deliveries for event in jira.translate(delivery)] == ["incident.opened"] * 2
