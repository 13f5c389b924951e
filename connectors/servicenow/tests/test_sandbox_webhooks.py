"""What the stand-in tells the hub of, over a real socket: signed, in order, until it is taken."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from connectors.servicenow.tests.stage import INCIDENT, SECRET, sandbox, settings
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from firstline.connector import Delivery
from firstline.incident import Event
from firstline_servicenow.connector import ServiceNowConnector

ADMIN = ("admin", "admin")


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
def staged(loopback: Callable[[Any], str]) -> Callable[[Hub], httpx.Client]:
    def stage(hub: Hub) -> httpx.Client:
        address = loopback(sandbox(hook_url=f"{loopback(hub.app)}/hook", hook_secret=SECRET))
        return httpx.Client(base_url=address, auth=ADMIN, trust_env=False)

    return stage


def test_saves_are_told_in_order_and_read_by_the_connector(staged: Callable[[Hub], httpx.Client]) -> None:
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


def test_a_hub_that_was_away_gets_all_in_order(staged: Callable[[Hub], httpx.Client]) -> None:
    hub = Hub(refusals=3)
    with staged(hub) as http:
        for note in ("one", "two"):
            http.patch(f"/api/now/table/incident/{INCIDENT}", json={"work_notes": note})
    assert [event.id for event in hub.wait_for(2)] == [f"{INCIDENT}:1", f"{INCIDENT}:2"]


def test_a_change_is_told_of_with_its_approval(staged: Callable[[Hub], httpx.Client]) -> None:
    hub = Hub()
    with staged(hub) as http:
        created = http.post("/api/sn_chg_rest/change/normal", json={"short_description": "x"})
        change = created.json()["result"][0]
        http.patch(f"/api/sn_chg_rest/change/{change['sys_id']['value']}", json={"state": "-4"})
        http.post(f"/sandbox/change/{change['number']['value']}/approve")
    *_, approved = hub.wait_for(3)
    assert (approved.type, approved.actor) == ("change.updated", "david.loo")
    assert approved.data["record"]["approval"]["value"] == "approved"
