"""The sandbox's Events API v2 answers as PagerDuty's documents say."""

from typing import Any

import pytest

pytestmark = pytest.mark.anyio

KEY = "sandbox-routing-key".ljust(32, "0")
TOLD = {"summary": "Disk full", "source": "db1", "severity": "critical", "custom_details": {"free": "1%"}}


def trigger(**changes: Any) -> dict[str, Any]:
    return {"routing_key": KEY, "event_action": "trigger", "dedup_key": "disk/db1", "payload": TOLD} | changes


async def enqueue(sandbox: Any, event: Any) -> Any:
    return await sandbox.request("POST", "/v2/enqueue", event, Authorization="", From="")


async def opened(sandbox: Any) -> list[dict[str, Any]]:
    return [one for one in (await sandbox.state())["incidents"] if one["title"] == "Disk full"]


async def test_a_trigger_opens_an_incident_with_its_alert(sandbox: Any) -> None:
    response = await enqueue(sandbox, trigger())
    assert response.status_code == 202
    assert response.json() == {"status": "success", "message": "Event processed", "dedup_key": "disk/db1"}
    (incident,) = await opened(sandbox)
    assert (incident["incident_key"], incident["urgency"], incident["service"]["summary"]) == (
        "disk/db1",
        "high",
        "shop",
    )
    alerts = (await sandbox.request("GET", f"/incidents/{incident['id']}/alerts")).json()["alerts"]
    assert [(one["alert_key"], one["severity"], one["body"]["details"]) for one in alerts] == [
        ("disk/db1", "critical", {"free": "1%"})
    ]


@pytest.mark.parametrize(
    ("severity", "urgency"), [("critical", "high"), ("error", "high"), ("warning", "low"), ("info", "low")]
)
async def test_severity_becomes_urgency(sandbox: Any, severity: str, urgency: str) -> None:
    await enqueue(sandbox, trigger(payload=TOLD | {"severity": severity}))
    assert [one["urgency"] for one in await opened(sandbox)] == [urgency]


async def test_the_same_key_is_the_same_incident_while_it_is_open(sandbox: Any) -> None:
    for _ in range(2):
        await enqueue(sandbox, trigger())
    (incident,) = await opened(sandbox)
    assert [entry["type"] for entry in incident["log_entries"]].count("trigger_log_entry") == 2


async def test_the_same_key_is_another_incident_once_it_is_resolved(sandbox: Any) -> None:
    for action in ("trigger", "resolve", "trigger"):
        await enqueue(sandbox, trigger(event_action=action))
    assert [one["status"] for one in await opened(sandbox)] == ["resolved", "triggered"]


async def test_without_a_key_each_trigger_is_an_incident_of_its_own(sandbox: Any) -> None:
    keys = {(await enqueue(sandbox, trigger(dedup_key=None))).json()["dedup_key"] for _ in range(2)}
    assert {one["incident_key"] for one in await opened(sandbox)} == keys
    assert len(keys) == 2


async def test_an_alert_is_acknowledged_and_resolved_however_often_it_is_said(sandbox: Any) -> None:
    await enqueue(sandbox, trigger())
    for action, status in (("acknowledge", "acknowledged"), ("resolve", "resolved")):
        for _ in range(2):
            assert (await enqueue(sandbox, trigger(event_action=action))).status_code == 202
        assert [one["status"] for one in await opened(sandbox)] == [status]


async def test_a_resolution_of_nothing_is_dropped(sandbox: Any) -> None:
    assert (await enqueue(sandbox, trigger(event_action="resolve"))).status_code == 202
    assert await opened(sandbox) == []


@pytest.mark.parametrize(
    "event",
    [
        None,
        [],
        trigger(routing_key="short"),
        trigger(routing_key="x" * 32),
        trigger(event_action="shout"),
        trigger(dedup_key="k" * 256),
        trigger(event_action="resolve", dedup_key=""),
        trigger(payload=None),
        trigger(payload={"summary": "s", "source": "x"}),
        trigger(payload=TOLD | {"severity": "dire"}),
        trigger(payload=TOLD | {"source": ""}),
        trigger(payload=TOLD | {"summary": "s" * 1025}),
        trigger(payload=TOLD | {"custom_details": "x" * 600_000}),
    ],
)
async def test_an_event_that_is_not_as_documented_is_refused(sandbox: Any, event: Any) -> None:
    response = await enqueue(sandbox, event)
    assert (response.status_code, response.json()["status"]) == (400, "invalid event")
    assert response.json()["errors"]
    assert await opened(sandbox) == []


async def test_a_key_of_255_characters_is_taken(sandbox: Any) -> None:
    assert (await enqueue(sandbox, trigger(dedup_key="k" * 255))).status_code == 202


async def test_a_change_event_is_kept_and_opens_nothing(sandbox: Any) -> None:
    event = {"routing_key": KEY, "payload": {"summary": "Deployed 1.2"}}
    assert (await sandbox.request("POST", "/v2/change/enqueue", event)).status_code == 202
    state = await sandbox.state()
    assert [one["summary"] for one in state["change_events"]] == ["Deployed 1.2"]
    assert len(state["incidents"]) == 1


@pytest.mark.parametrize(
    "event", [{}, {"routing_key": KEY}, {"payload": {"summary": "x"}}, {"routing_key": KEY, "payload": {}}]
)
async def test_a_change_event_without_what_it_needs_is_refused(sandbox: Any, event: Any) -> None:
    assert (await sandbox.request("POST", "/v2/change/enqueue", event)).status_code == 400
