"""What a poll brings, page after page."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstline.connector import Delivery, Page, SandboxSettings, Window
from firstline.errors import Rejected, Unavailable
from firstline.incident import Event, IncidentState
from firstline_pagerduty import poll
from firstline_pagerduty.connector import PagerDutyConnector
from firstline_pagerduty.rest import Answer
from firstline_pagerduty.sandbox import create_app
from firstline_pagerduty.settings import PagerDutySettings

pytestmark = pytest.mark.anyio

Connect = Callable[..., PagerDutyConnector]
INCIDENT = "Q3B15VLMF3ASBD"
START = datetime(2026, 3, 1, tzinfo=UTC)
SETTINGS = PagerDutySettings.model_validate({"token": "t", "from_email": "a@example.com", "webhook_secrets": "s"})


async def pages(connector: PagerDutyConnector, window: Window) -> list[Page]:
    found = [await connector.poll(window)]
    while found[-1].next:
        found.append(await connector.poll(window, found[-1].next))
    return found


async def brought(connector: PagerDutyConnector, **window: Any) -> list[Delivery]:
    asked = Window(since=datetime.now(UTC) - timedelta(minutes=5), **window)
    return [delivery for page in await pages(connector, asked) for delivery in page.deliveries]


def told(connector: PagerDutyConnector, deliveries: list[Delivery]) -> dict[str, Event]:
    """By id, as the hub keeps them."""
    return {event.id: event for delivery in deliveries for event in connector.translate(delivery)}


def opened(count: int, apart: timedelta, **fields: Any) -> dict[str, Any]:
    """A seed of incidents, one after the other."""
    rows = [
        {
            "id": f"Q{number:04}",
            "title": "t",
            "service": "PSHOP01",
            "created_at": (START + apart * number).isoformat(),
            **fields,
        }
        for number in range(count)
    ]
    return {"incidents": rows}


async def test_the_log_tells_what_the_webhooks_tell_under_the_same_ids(connect: Connect, hooked: Any) -> None:
    receiver, sandbox = hooked
    for change in (
        {"status": "acknowledged"},
        {"escalation_level": 2},
        {"priority": "P2"},
        {"assignments": [{"assignee": {"id": "PSECOND"}}]},
        {"escalation_policy": {"id": "PEP0001"}},
        {"status": "acknowledged"},
        {"status": "triggered"},
        {"status": "resolved"},
    ):
        assert (await sandbox.change(**change)).is_success
    await sandbox.request("POST", f"/incidents/{INCIDENT}/notes", {"note": {"content": "Hello"}})
    alert = {"summary": "Disk full", "source": "db1", "severity": "critical"}
    body = {"routing_key": "sandbox-routing-key".ljust(32, "0"), "event_action": "trigger", "payload": alert}
    await sandbox.request("POST", "/v2/enqueue", body)
    connector = connect(sandbox.address)
    pushed = [event for body in await receiver.bodies(10) for event in connector.translate(body)]
    polled = told(connector, await brought(connector))
    assert {event.id: event.type for event in pushed} == {
        event.id: event.type for event in polled.values() if event.id != f"{INCIDENT}:opened"
    }
    assert polled[f"{INCIDENT}:opened"].type == "incident.opened"


async def test_a_delivery_is_small_and_says_that_it_was_polled(connect: Connect, sandbox: Any) -> None:
    for delivery in await brought(connect(sandbox.address)):
        assert delivery.polled
        assert len(delivery.body) < 3_000


async def test_whom_pagerduty_told_is_no_event(connect: Connect, sandbox: Any) -> None:
    deliveries = await brought(connect(sandbox.address))
    assert [json.loads(one.body)["log_entry"]["type"] for one in deliveries] == ["trigger_log_entry"]


async def test_the_same_entry_has_the_same_key_until_its_incident_changes(connect: Connect, sandbox: Any) -> None:
    connector = connect(sandbox.address)
    await sandbox.change(status="acknowledged")
    first, again = [{one.key for one in await brought(connector)} for _ in range(2)]
    assert len(first) == 2
    assert {key.rpartition(":")[0] for key in first} == {key.rpartition(":")[0] for key in again}


async def test_what_we_did_is_our_own_in_the_log_too(connect: Connect, sandbox: Any) -> None:
    body = {"incident": {"type": "incident_reference", "status": "acknowledged"}}
    await sandbox.request("PUT", f"/incidents/{INCIDENT}", body, From="firstline@example.com")
    connector = connect(sandbox.address)
    events = told(connector, await brought(connector)).values()
    assert {event.type: event.own for event in events} == {"incident.opened": False, "incident.acknowledged": True}


async def test_a_note_of_ours_in_the_log_is_told_by_its_key(connect: Connect, sandbox: Any) -> None:
    note = {"note": {"content": "Restarted.\n\n[firstline:r1/open]"}}
    await sandbox.request("POST", f"/incidents/{INCIDENT}/notes", note)
    connector = connect(sandbox.address)
    events = told(connector, await brought(connector)).values()
    assert [event.marker for event in events if event.type == "incident.commented"] == ["r1/open"]


async def test_rows_that_are_written_late_come_with_the_overlap(connect: Connect, sandbox: Any) -> None:
    connector = connect(sandbox.address)
    await sandbox.request("PUT", "/sandbox/trouble", {"late_seconds": 3600})
    assert await brought(connector) == []
    await sandbox.request("PUT", "/sandbox/trouble", {})
    assert await brought(connector)


async def test_other_services_and_teams_are_left_out(connect: Connect, loopback: Any) -> None:
    services = [{"id": "PA", "name": "a", "team": "PTEAM"}, {"id": "PB", "name": "b", "routing_key": "b" * 32}]
    incidents = [{"id": f"Q{one}", "title": "t", "service": f"P{one}"} for one in "AB"]
    address = loopback(create_app(SandboxSettings(seed={"services": services, "incidents": incidents})))
    for scope in ({"service_id": "PA"}, {"team_id": "PTEAM"}):
        connector = connect(address, **scope)
        assert told(connector, await brought(connector)).keys() == {"QA:opened"}
        assert told(connector, await brought(connector, by="opened")).keys() == {"QA:opened"}


# what was opened


async def test_what_was_opened_is_told_as_it_is_now_with_the_webhooks_ids(connect: Connect, hooked: Any) -> None:
    receiver, sandbox = hooked
    await sandbox.change(status="acknowledged")
    await sandbox.change(status="resolved")
    connector = connect(sandbox.address)
    _, resolved = [event for body in await receiver.bodies(2) for event in connector.translate(body)]
    events = told(connector, await brought(connector, by="opened"))
    assert events.keys() == {f"{INCIDENT}:opened", resolved.id}
    assert {event.incident.state for event in events.values() if event.incident} == {IncidentState.RESOLVED}


async def test_opened_incidents_come_oldest_first_and_are_counted(
    connect: Connect, loopback: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poll, "PAGE", 4)
    address = loopback(create_app(SandboxSettings(seed=opened(10, timedelta(minutes=1)))))
    window = Window(since=START, until=START + timedelta(minutes=9), by="opened")
    found = await pages(connect(address), window)
    ids = [json.loads(one.body)["incident"]["id"] for page in found for one in page.deliveries]
    assert ids == [f"Q{number:04}" for number in range(9)]  # the tenth was opened as the window ends
    assert {page.total for page in found} == {9}


@pytest.mark.parametrize("apart", [timedelta(milliseconds=100), timedelta(minutes=3)])
async def test_more_than_one_query_can_give_are_brought_all_the_same(
    connect: Connect, loopback: Any, monkeypatch: pytest.MonkeyPatch, apart: timedelta
) -> None:
    """The limit of ten thousand, drawn in to twenty."""
    monkeypatch.setattr(poll, "LAST", 20)
    monkeypatch.setattr(poll, "PAGE", 5)
    monkeypatch.setattr("firstline_pagerduty.sandbox.http.LAST_RECORD", 20)
    address = loopback(create_app(SandboxSettings(seed=opened(60, apart))))
    window = Window(since=START, until=START + timedelta(days=1), by="opened")
    found = await pages(connect(address), window)
    keys = [one.key for page in found for one in page.deliveries]
    assert len(keys) == len(set(keys)) == 60
    assert found[-1].total == 60


async def test_of_more_in_one_second_than_can_be_read_the_count_tells(
    connect: Connect, loopback: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poll, "LAST", 20)
    monkeypatch.setattr(poll, "PAGE", 5)
    monkeypatch.setattr("firstline_pagerduty.sandbox.http.LAST_RECORD", 20)
    address = loopback(create_app(SandboxSettings(seed=opened(30, timedelta(0)))))
    window = Window(since=START, until=START + timedelta(hours=1), by="opened")
    found = await pages(connect(address), window)
    assert sum(len(page.deliveries) for page in found) == 20
    assert found[-1].total == 30


async def test_a_window_of_years_is_asked_for_in_ranges_that_are_allowed(connect: Connect, loopback: Any) -> None:
    address = loopback(create_app(SandboxSettings(seed=opened(3, timedelta(days=-150)))))
    window = Window(since=START - timedelta(days=700), until=START + timedelta(days=500), by="opened")
    found = await pages(connect(address), window)
    assert len(found) > 5
    assert sum(len(page.deliveries) for page in found) == 3


# trouble


@pytest.mark.parametrize("page", ["2", "{}", "not a page"])
async def test_a_page_that_is_none_is_rejected(connect: Connect, page: str) -> None:
    with pytest.raises(Rejected, match="no page"):
        await connect().poll(Window(since=START), page)


async def test_an_answer_without_a_list_is_rejected(connect: Connect, loopback: Any, vendor: Any) -> None:
    with pytest.raises(Rejected, match="log_entries"):
        await connect(loopback(vendor((200, {"log_entries": None})))).poll(Window(since=START))


async def test_an_answer_that_says_no_time_can_not_tell_how_far_it_goes() -> None:
    with pytest.raises(Unavailable, match="Date"):
        await poll.poll(Shelf([], None), SETTINGS, "pd", Window(since=START), "")


class Shelf:
    """A vendor's rows by their second, given as PagerDuty gives them: the newest first, at most `LAST` of a query."""

    def __init__(self, seconds: list[int], now: datetime | None) -> None:
        self._now = now
        self._rows = [
            {
                "id": f"R{number}",
                "type": "trigger_log_entry",
                "created_at": (START + timedelta(seconds=second)).isoformat(),
                "incident": {"id": f"Q{number}", "status": "triggered"},
            }
            for number, second in enumerate(seconds)
        ]

    async def read(self, path: str, **asked: Any) -> Answer:
        assert path == "/log_entries"
        since, until = datetime.fromisoformat(asked["since"]), datetime.fromisoformat(asked["until"])
        rows = [row for row in self._rows if since <= datetime.fromisoformat(str(row["created_at"])) < until]
        rows.sort(key=lambda row: str(row["created_at"]), reverse=True)
        first, last = asked["offset"], asked["offset"] + asked["limit"]
        assert last <= poll.LAST
        total = len(rows) if asked["total"] == "true" else None
        return Answer({"log_entries": rows[first:last], "more": last < len(rows), "total": total}, self._now)


@given(
    seconds=st.lists(st.integers(0, 5_000), max_size=60),
    most=st.integers(1, 20),
    page=st.integers(1, 7),
    since=st.integers(0, 3_000),
    length=st.one_of(st.none(), st.integers(1, 4_000)),
)
@settings(deadline=None)
def test_each_row_of_a_window_comes_once_and_complete_is_true(
    seconds: list[int], most: int, page: int, since: int, length: int | None
) -> None:
    now = START + timedelta(seconds=5_001)
    window = Window(
        since=START + timedelta(seconds=since),
        until=None if length is None else START + timedelta(seconds=since + length),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(poll, "ENTRIES", most)
        patch.setattr(poll, "PAGE", page)
        found = asyncio.run(_all(Shelf(seconds, now), window))
    wanted = {
        number for number, second in enumerate(seconds) if since <= second and (not length or second < since + length)
    }
    keys = [delivery.key for one in found for delivery in one.deliveries]
    assert len(keys) == len(set(keys)) == len(wanted)
    seen: set[int] = set()
    for one in found:
        seen |= {int(delivery.key.split(":")[1][1:]) for delivery in one.deliveries}
        if one.complete_to:
            before = (one.complete_to - START).total_seconds()
            assert {number for number in wanted if seconds[number] < before} <= seen
    assert found[-1].complete_to == min(now, window.until or now)


async def _all(shelf: Shelf, window: Window) -> list[Page]:
    found = [await poll.poll(shelf, SETTINGS, "pd", window, "")]
    while found[-1].next:
        found.append(await poll.poll(shelf, SETTINGS, "pd", window, found[-1].next))
    return found
