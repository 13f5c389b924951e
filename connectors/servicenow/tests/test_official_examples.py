"""The vendor's published answers: the stand-in answers in their shape, and the connector reads them."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import respx
from connectors.servicenow.tests.likeness import differences, example
from connectors.servicenow.tests.stage import USERS, settings

from firstline.connector import SandboxSettings
from firstline.http import client
from firstline.incident import IncidentState
from firstline_servicenow import lifecycle
from firstline_servicenow.approval import stand
from firstline_servicenow.change import ChangeApi
from firstline_servicenow.record import moment, shown, value
from firstline_servicenow.sandbox import create_app
from firstline_servicenow.translate import Reader

pytestmark = pytest.mark.anyio

VENDOR = "https://instance.servicenow.com"
INCIDENTS = [
    "tableapi__get_now_table_tablename_sys_id_1",
    "tableapi__patch_now_table_tablename_sys_id_1",
    "tableapi__post_now_table_tablename_1",
    "tableapi__put_now_table_tablename_sys_id_1",
]
CHANGES = [
    "change-management-api__get_sn_chg_rest_change_sys_id_1",
    "change-management-api__patch_sn_chg_rest_change_sys_id_1",
    "change-management-api__delete_sn_chg_rest_change_sys_id_1",
]


def plain(change: dict[str, Any]) -> dict[str, Any]:
    return {name: field["value"] for name, field in change.items()}


@pytest.fixture
async def seeded(loopback: Callable[[Any], str]) -> AsyncIterator[Callable[..., httpx.AsyncClient]]:
    clients: list[httpx.AsyncClient] = []

    def make(**tables: list[dict[str, Any]]) -> httpx.AsyncClient:
        settings = SandboxSettings(public_url=VENDOR, seed={"users": USERS, **tables})
        address = loopback(create_app(settings))
        clients.append(httpx.AsyncClient(base_url=address, auth=("admin", "admin"), trust_env=False))
        return clients[-1]

    yield make
    for http in clients:
        await http.aclose()


@pytest.mark.parametrize("name", INCIDENTS)
async def test_a_published_incident_that_is_put_in_comes_out_as_published(seeded: Any, name: str) -> None:
    published = example(name)
    http = seeded(incident=[published])
    assert (await http.get(f"/api/now/table/incident/{published['sys_id']}")).json()["result"] == published


async def test_a_published_list_that_is_put_in_comes_out_as_published(seeded: Any) -> None:
    published = example("tableapi__get_now_table_tablename_1")
    http = seeded(problem=published)
    assert (await http.get("/api/now/table/problem?sysparm_limit=1")).json()["result"] == published


async def test_an_incident_is_created_and_updated_in_the_published_shape(seeded: Any) -> None:
    http = seeded()
    wanted = {"short_description": "Unable to connect to office wifi", "urgency": "2", "impact": "2"}
    created = await http.post("/api/now/table/incident", json=wanted)
    assert created.status_code == 201
    incident = created.json()["result"]
    assert differences(example("tableapi__post_now_table_tablename_1"), incident) == []
    assert incident["priority"] == "3"
    path = f"/api/now/table/incident/{incident['sys_id']}"
    for method, name in (("PATCH", "patch"), ("PUT", "put")):
        updated = (await http.request(method, path, json={"state": "2", "work_notes": method})).json()["result"]
        assert differences(example(f"tableapi__{name}_now_table_tablename_sys_id_1"), updated) == []


@pytest.mark.parametrize("name", CHANGES)
async def test_a_published_change_that_is_put_in_comes_out_in_the_published_shape(seeded: Any, name: str) -> None:
    published = example(name)
    http = seeded(change_request=[plain(published)])
    given = (await http.get(f"/api/sn_chg_rest/change/{published['sys_id']['value']}")).json()["result"]
    assert differences(published, given) == []
    assert plain(given) == plain(published)


async def test_changes_are_listed_in_the_published_shape(seeded: Any) -> None:
    published = example("change-management-api__get_sn_chg_rest_change_1")
    http = seeded(change_request=[plain(published[0])])
    given = (await http.get("/api/sn_chg_rest/change?sysparm_query=state=3")).json()["result"]
    assert len(given) == 1
    assert differences(published, given) == []


async def test_next_states_are_told_in_the_published_shape(seeded: Any) -> None:
    published = example("change-management-api__get_sn_chg_rest_change_sys_id_nextstates_1")
    http = seeded(change_request=[{"sys_id": "e" * 32, "type": "standard", "state": "-1"}])
    given = (await http.get(f"/api/sn_chg_rest/change/{'e' * 32}/nextstates")).json()["result"]
    assert differences(published, given) == []
    assert set(given["available_states"]) == set(published["available_states"])
    assert given["state_label"] == published["state_label"]


async def test_a_change_is_created_in_the_published_shape(seeded: Any) -> None:
    http = seeded()
    created = await http.post("/api/sn_chg_rest/change/normal", json={"short_description": "x", "no_such_field": "y"})
    (change,) = created.json()["result"]
    assert change.pop("__meta") == {"ignoredFields": ["no_such_field"]}
    assert differences(example(CHANGES[0]), change) == []


def test_a_published_incident_is_read_as_one() -> None:
    incident = Reader("prod", settings(VENDOR)).incident("incident", example(INCIDENTS[0]))
    assert incident.reference.number == "INC0000046"
    assert incident.title == "Can't access SFA software"
    assert incident.state is IncidentState.OPEN
    assert (incident.priority, incident.urgency, incident.impact) == (3, 3, 1)
    assert incident.ci == "a9c0c8d2c6112276018f7705562f9cb0"
    assert incident.opened_at == datetime(2015, 11, 2, 22, 4, 15, tzinfo=UTC)
    assert incident.version == 4


def test_a_published_change_is_read_by_its_values() -> None:
    change = example(CHANGES[0])
    assert value(change, "state") == lifecycle.CLOSED
    assert shown(change, "state") == "Closed"
    assert moment(change, "work_start") == datetime(2015, 7, 6, 18, 56, 4, tzinfo=UTC)
    assert stand(change, lifecycle.Lifecycle()).state == "approved"


@respx.mock
async def test_published_next_states_are_read_with_those_that_can_be_taken() -> None:
    published = example("change-management-api__get_sn_chg_rest_change_sys_id_nextstates_1")
    respx.get(f"{VENDOR}/api/sn_chg_rest/change/{'e' * 32}/nextstates").respond(200, json={"result": published})
    async with client(VENDOR) as http:
        offer = await ChangeApi(http).offered("e" * 32)
    assert offer.states == {"0": "Review", "4": "Canceled", "-1": "Implement"}
    assert offer.beyond({"state": "-1"}) == {"0", "4"}
