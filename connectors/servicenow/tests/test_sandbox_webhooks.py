"""What the stand-in tells the hub of, over a real socket: signed, in order, until it is taken."""

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from connectors.servicenow.tests.stage import CI, INCIDENT, PASSWORD, SECRET, sandbox, settings
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from firstline.connector import Delivery, Window
from firstline.incident import Event
from firstline_servicenow.connector import ServiceNowConnector

ADMIN = ("admin", "admin")
Staged = Callable[..., httpx.Client]


class Hub:
    """Takes deliveries, after it has refused the first `refusals` of them."""

    def __init__(self, refusals: int = 0) -> None:
        self.refusals = refusals
        self.taken: list[Event] = []
        self.keys: list[str] = []
        self._more = threading.Condition()
        self._connector = ServiceNowConnector("prod", settings("http://127.0.0.1:9", webhook_secrets=["old", SECRET]))
        self.app = Starlette(routes=[Route("/hook", self._take, methods=["POST"])])

    async def _take(self, request: Request) -> Response:
        body = await request.body()
        if self.refusals > 0:
            self.refusals -= 1
            return Response(status_code=503)
        key = self._connector.verify(dict(request.headers), body)
        delivery = Delivery(connection="prod", key=key, body=body, received_at=datetime.now(UTC))
        with self._more:
            self.keys.append(key)
            self.taken.extend(self._connector.translate(delivery))
            self._more.notify()
        return Response(status_code=202)

    def wait_for(self, count: int) -> list[Event]:
        with self._more:
            assert self._more.wait_for(lambda: len(self.taken) >= count, timeout=20)
            return self.taken[:count]


@pytest.fixture
def staged(loopback: Callable[[Any], str]) -> Staged:
    def stage(hub: Hub, **more: Any) -> httpx.Client:
        address = loopback(sandbox(hook_url=f"{loopback(hub.app)}/hook", hook_secret=SECRET, **more))
        return httpx.Client(base_url=address, auth=ADMIN, trust_env=False)

    return stage


def test_saves_are_told_in_order_and_read_by_the_connector(staged: Staged) -> None:
    hub = Hub()
    with staged(hub) as http:
        http.post("/api/now/table/incident", json={"short_description": "Größe ${x} 20%", "impact": "1"})
        path = f"/api/now/table/incident/{INCIDENT}"
        http.patch(path, json={"state": "2"})
        http.patch(path, json={"state": "6", "close_code": "c", "close_notes": "n"})
        http.patch(path, json={"state": "2"})
    opened, *rest = hub.wait_for(4)
    assert opened.type == "incident.opened"
    assert opened.incident is not None
    assert opened.incident.title == "Größe ${x} 20%"
    assert opened.actor == "admin"
    assert [event.type for event in rest] == ["incident.acknowledged", "incident.resolved", "incident.reopened"]
    assert hub.keys[1:] == [f"{INCIDENT}:{count}" for count in (1, 2, 3)]
    assert [event.incident.ci for event in rest if event.incident] == ["shop"] * 3


def test_a_hub_that_was_away_gets_all_in_order(staged: Staged) -> None:
    hub = Hub(refusals=3)
    with staged(hub) as http:
        for note in ("one", "two"):
            http.patch(f"/api/now/table/incident/{INCIDENT}", json={"work_notes": note})
    assert [event.id for event in hub.wait_for(2)] == [f"{INCIDENT}:1", f"{INCIDENT}:2"]


def test_a_change_is_told_of_with_its_approval(staged: Staged) -> None:
    hub = Hub()
    with staged(hub) as http:
        created = http.post("/api/sn_chg_rest/change/normal", json={"short_description": "x"})
        change = created.json()["result"][0]
        http.patch(f"/api/sn_chg_rest/change/{change['sys_id']['value']}", json={"state": "-4"})
        http.post(f"/sandbox/change/{change['number']['value']}/approve")
    *_, asked, answered, approved = hub.wait_for(5)
    assert (approved.type, approved.actor) == ("change.updated", "david.loo")
    assert approved.data["record"]["approval"]["value"] == "approved"
    assert [event.reference for event in (asked, answered)] == [approved.reference] * 2
    assert (answered.type, answered.actor) == ("change.updated", "david.loo")
    assert answered.id == asked.id.replace(":0", ":1")


def test_an_approvers_answer_and_a_change_are_polled_as_the_events_that_the_webhook_tells(staged: Staged) -> None:
    hub = Hub()
    with staged(hub) as http:
        change = http.post("/api/sn_chg_rest/change/normal", json={"short_description": "x"}).json()["result"][0]
        http.patch(f"/api/sn_chg_rest/change/{change['sys_id']['value']}", json={"state": "-4"})
        http.post(f"/sandbox/change/{change['number']['value']}/approve")
        pushed = hub.wait_for(5)
        polled = asyncio.run(polled_events(str(http.base_url)))
    assert [(event.id, event.type, reference(event)) for event in polled] == [
        (event.id, event.type, reference(event)) for event in (pushed[-1], pushed[-2])
    ]


def reference(event: Event) -> tuple[str, str, str]:
    assert event.reference is not None
    return event.reference.kind, event.reference.id, event.reference.number


async def polled_events(address: str) -> list[Event]:
    tables = ["change_request", "sysapproval_approver"]
    connector = ServiceNowConnector("prod", settings(address.rstrip("/"), tables=tables))
    window = Window(since=datetime.now(UTC) - timedelta(hours=1))
    pages = [await connector.poll(window)]
    while token := pages[-1].next:
        pages.append(await connector.poll(window, token))
    await connector.aclose()
    return [event for page in pages for delivery in page.deliveries for event in connector.translate(delivery)]


def test_each_table_is_told_of_with_its_item_and_named_as_the_poll_names_it(staged: Staged) -> None:
    hub = Hub()
    with staged(hub) as http:
        tables = ("incident", "sc_task", "change_task", "problem", "em_alert")
        made = [http.post(f"/api/now/table/{table}", json={"cmdb_ci": CI}).json()["result"] for table in tables]
    events = hub.wait_for(5)
    assert [event.type for event in events] == ["incident.opened"] * 5
    assert [event.id for event in events] == [f"{row['sys_id']}:0" for row in made]
    assert [event.incident.item.ip for event in events if event.incident] == ["10.0.0.7"] * 5


def test_a_note_of_ours_shows_its_key_and_somebody_elses_none(staged: Staged) -> None:
    hub = Hub()
    with staged(hub) as http:
        path = f"/api/now/table/incident/{INCIDENT}"
        http.patch(path, json={"work_notes": "Mended\n\n[firstline:rem-1:done]"}, auth=("firstline", PASSWORD))
        http.patch(path, json={"work_notes": "Why does it say [firstline:rem-1:done] there?"})
        http.patch(path, json={"state": "2"}, auth=("firstline", PASSWORD))
    events = hub.wait_for(3)
    assert [event.marker for event in events] == ["rem-1:done", "", ""]
    assert [event.own for event in events] == [True, False, True]


def test_a_table_without_an_active_rule_tells_nothing_and_the_address_is_a_property(
    loopback: Callable[[Any], str],
) -> None:
    """What an administrator does by the instructions: properties and Business Rules."""
    hub = Hub()
    address = loopback(sandbox(hook_secret=SECRET))
    with httpx.Client(base_url=address, auth=ADMIN, trust_env=False) as http:
        url = {"name": "firstline.hook.url", "value": f"{loopback(hub.app)}/hook"}
        http.post("/api/now/table/sys_properties", json=url)
        http.post("/api/now/table/incident", json={"short_description": "before the rule"})
        rule = {"name": "Firstline: tell of saves", "collection": "incident"}
        http.post("/api/now/table/sys_script", json=rule)
        http.post("/api/now/table/sc_task", json={"short_description": "has no rule"})
        http.post("/api/now/table/incident", json={"short_description": "after the rule"})
    (event,) = hub.wait_for(1)
    assert event.incident is not None
    assert event.incident.title == "after the rule"


def test_webhooks_meet_the_chaos_that_was_asked_for(staged: Staged) -> None:
    hub = Hub()
    with staged(hub, chaos={"hook_duplicate": 1.0}) as http:
        http.patch(f"/api/now/table/incident/{INCIDENT}", json={"state": "2"})
        hub.wait_for(2)
        assert hub.keys[:2] == [f"{INCIDENT}:1"] * 2
        assert http.get("/sandbox/chaos").json()["made"] == {"hook_duplicate": 1}


def test_requests_meet_the_chaos_that_was_asked_for_in_the_vendors_form(staged: Staged) -> None:
    with staged(Hub()) as http:
        http.put("/sandbox/chaos", json={"rate_limit": 1.0, "retry_after": 7})
        answer = http.get("/api/now/table/incident")
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
        assert answer.json() == {"error": {"message": "Rate limit exceeded", "detail": None}, "status": "failure"}
        http.put("/sandbox/chaos", json={})
        assert http.get("/api/now/table/incident").status_code == 200
