"""The hub's own alarms and the changes it makes, by the Events API v2."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from firstline.connector import Alarm, Announcement, SandboxSettings, Window
from firstline.errors import Rejected, Unavailable
from firstline_pagerduty.connector import PagerDutyConnector
from firstline_pagerduty.pager import dedup_key
from firstline_pagerduty.sandbox import create_app

pytestmark = pytest.mark.anyio

Connect = Callable[..., PagerDutyConnector]
KEY = "sandbox-routing-key".ljust(32, "0")
ALARM = Alarm(key="parked/snow", summary="A write is parked", details={"why": "refused"}, url="https://hub.example/w/1")
CHANGE = Announcement(
    key="r1",
    summary="Restarted web",
    at=datetime(2026, 3, 1, 12, tzinfo=UTC),
    details={"change": "CHG1"},
    url="https://x",
)


def pager(connect: Connect, address: str) -> PagerDutyConnector:
    return connect(address, events_url=address, alarm_routing_key=KEY)


async def alarms(sandbox: Any) -> list[dict[str, Any]]:
    return [one for one in (await sandbox.state())["incidents"] if one["incident_key"].startswith("firstline:")]


async def test_an_alarm_is_one_incident_however_often_it_is_raised(connect: Connect, sandbox: Any) -> None:
    connector = pager(connect, sandbox.address)
    for _ in range(2):
        await connector.alarm(ALARM)
    (incident,) = await alarms(sandbox)
    assert (incident["title"], incident["incident_key"]) == ("A write is parked", "firstline:parked/snow")
    assert incident["body"]["details"] == {"why": "refused"}


@pytest.mark.parametrize(("severity", "urgency"), [("critical", "high"), ("warning", "low")])
async def test_an_alarm_has_its_severity(connect: Connect, sandbox: Any, severity: Any, urgency: str) -> None:
    await pager(connect, sandbox.address).alarm(ALARM.model_copy(update={"severity": severity}))
    assert [one["urgency"] for one in await alarms(sandbox)] == [urgency]


async def test_an_alarm_that_needs_nobody_any_more_is_resolved(connect: Connect, sandbox: Any) -> None:
    connector = pager(connect, sandbox.address)
    await connector.alarm(ALARM)
    for _ in range(2):
        await connector.alarm(ALARM.model_copy(update={"resolved": True}))
    assert [one["status"] for one in await alarms(sandbox)] == ["resolved"]


def test_a_key_is_never_longer_than_pagerduty_takes_and_never_another_ones() -> None:
    long = ["k" * 254 + one for one in "ab"]
    assert [len(dedup_key(one)) <= 255 for one in long] == [True, True]
    assert dedup_key(long[0]) != dedup_key(long[1])


async def test_what_happens_on_our_own_alarm_starts_nothing(connect: Connect, sandbox: Any) -> None:
    connector = pager(connect, sandbox.address)
    await connector.alarm(ALARM)
    page = await connector.poll(Window(since=datetime.now(UTC) - timedelta(minutes=5)))
    events = [event for delivery in page.deliveries for event in connector.translate(delivery)]
    ours = [event for event in events if event.incident and event.incident.title == "A write is parked"]
    assert ours
    assert all(event.own for event in ours)


async def test_a_change_is_announced_once_and_opens_nothing(
    connect: Connect, loopback: Any, breaking: Any, at: Any, seed: dict[str, Any]
) -> None:
    address = loopback(breaking(create_app(SandboxSettings(seed=seed))))
    connector = pager(connect, address)
    with pytest.raises(Unavailable):
        await connector.announce(CHANGE)
    for _ in range(2):
        await connector.announce(CHANGE)
    await connector.announce(CHANGE.model_copy(update={"key": "r2"}))
    state = await at(address).state()
    assert [one["custom_details"] for one in state["change_events"]] == [
        {"change": "CHG1", "key": "r1"},
        {"change": "CHG1", "key": "r2"},
    ]
    assert state["change_events"][0]["timestamp"] == "2026-03-01T12:00:00+00:00"
    assert len(state["incidents"]) == 1


async def test_without_a_routing_key_the_setting_is_named(connect: Connect, sandbox: Any) -> None:
    connector = connect(sandbox.address, events_url=sandbox.address)
    with pytest.raises(Rejected, match="alarm_routing_key"):
        await connector.alarm(ALARM)
    with pytest.raises(Rejected, match="change_routing_key"):
        await connector.announce(CHANGE)


async def test_a_wrong_routing_key_is_rejected_with_the_vendors_words_and_not_shown(
    connect: Connect, sandbox: Any
) -> None:
    connector = connect(sandbox.address, events_url=sandbox.address, alarm_routing_key="x" * 32)
    with pytest.raises(Rejected, match="Invalid routing key") as caught:
        await connector.alarm(ALARM)
    assert "x" * 32 not in str(caught.value)


async def test_the_events_apis_limit_is_told_apart(connect: Connect, loopback: Any, vendor: Any) -> None:
    with pytest.raises(Unavailable):
        await pager(connect, loopback(vendor((429, {})))).alarm(ALARM)
