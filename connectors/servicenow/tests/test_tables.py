"""Tasks, problems and alerts: the other tables whose records are faults to us."""

from typing import Any

import httpx
import pytest
from connectors.servicenow.tests.stage import settings

from firstline.connector import Note, StateChange
from firstline.errors import Rejected
from firstline.incident import IncidentState, Link, Reference
from firstline_servicenow.translate import Reader

pytestmark = pytest.mark.anyio

IDS = {name: f"{n:032x}" for n, name in enumerate(("sc_task", "change_task", "problem", "em_alert"), start=50)}
MORE = {"problem": ["resolution_code", "fix_notes"]}
READER = Reader("prod", settings("https://example.service-now.com"))


@pytest.fixture
def address(start: Any) -> str:
    rows: dict[str, list[dict[str, str]]] = {name: [{"sys_id": sys_id}] for name, sys_id in IDS.items()}
    rows["problem"][0]["state"] = "101"
    address: str = start(**rows, columns=MORE)
    return address


def reference(table: str) -> Reference:
    return Reference(connection="prod", kind=table, id=IDS[table])


async def row(person: httpx.AsyncClient, table: str) -> dict[str, str]:
    found: dict[str, str] = (await person.get(f"/api/now/table/{table}/{IDS[table]}")).json()["result"]
    return found


@pytest.mark.parametrize("table", IDS)
async def test_each_goes_from_open_to_its_end_and_back(connect: Any, address: str, table: str) -> None:
    connector = connect(address)
    seen = [(await connector.fetch(reference(table))).state]
    for to in ("acknowledged", "resolved", "reopened"):
        for _ in range(2):  # the second finds it there
            await connector.set_state(reference(table), StateChange(to=to, reason="By the runbook."))
        seen.append((await connector.fetch(reference(table))).state)
    ended = IncidentState.RESOLVED if table == "problem" else IncidentState.CLOSED
    assert seen == [IncidentState.OPEN, IncidentState.ACKNOWLEDGED, ended, IncidentState.ACKNOWLEDGED]


@pytest.mark.parametrize("table", IDS)
async def test_each_takes_notes_once(connect: Any, address: str, person: httpx.AsyncClient, table: str) -> None:
    for _ in range(2):
        await connect(address).write_note(reference(table), Note(key="k", headline="Looked at"))
    journal = (await person.get("/sandbox/state")).json()["tables"]["sys_journal_field"]
    assert [entry["element_id"] for entry in journal] == [IDS[table]]


async def test_what_a_resolved_task_says_is_in_its_close_notes(connect: Any, address: str, person: Any) -> None:
    for table in ("sc_task", "change_task"):
        await connect(address).set_state(reference(table), StateChange(to="resolved", reason="Restarted."))
        assert (await row(person, table))["close_notes"] == "Restarted."
    assert (await row(person, "change_task"))["close_code"] == "successful"


async def test_an_alert_has_no_urgency_to_raise(connect: Any, address: str) -> None:
    with pytest.raises(Rejected, match="urgency"):
        await connect(address).set_state(reference("em_alert"), StateChange(to="escalated"))


async def test_a_record_that_is_no_fault_can_t_be_fetched_or_moved(connect: Any, address: str) -> None:
    change = Reference(connection="prod", kind="change_request", id="a" * 32)
    with pytest.raises(Rejected, match="change_request"):
        await connect(address).fetch(change)
    with pytest.raises(Rejected, match="change_request"):
        await connect(address).set_state(change, StateChange(to="resolved"))


def test_an_alert_is_read_as_a_fault() -> None:
    alert = {
        "sys_id": "a" * 32,
        "number": "Alert0010001",
        "description": "disk full on web-01\n/var is at 100 %",
        "severity": "1",
        "state": "Reopen",
        "acknowledged": "true",
        "node": "web-01",
        "source": "Zabbix",
        "type": "disk",
        "initial_remote_time": "2026-11-22 21:00:00",
        "incident": "b" * 32,
    }
    incident = READER.incident("em_alert", alert)
    assert (incident.title, incident.priority, incident.ci) == ("disk full on web-01", 1, "web-01")
    assert (incident.caller, incident.category) == ("Zabbix", "disk")
    assert incident.state is IncidentState.ACKNOWLEDGED
    assert incident.links == (Link(system="servicenow", id="b" * 32),)
    assert READER.incident("em_alert", {**alert, "severity": "0", "state": "Closed"}).priority is None


@pytest.mark.parametrize(
    ("fields", "links"),
    [
        ({"x_pd_integration_incident": "Q1W2E3"}, [("pagerduty", "Q1W2E3", "")]),
        ({"x_pd_integration_incident": "---waiting---"}, []),
        (
            {"x_pd_integration_incident": "Q1W2E3", "x_pd_integration_incident_id": "Q1W2E3"},
            [("pagerduty", "Q1W2E3", "")],
        ),
        ({"correlation_id": "OPS-17", "correlation_display": "Jira Cloud"}, [("jira", "", "OPS-17")]),
        ({"correlation_id": "10017", "correlation_display": "JIRA"}, [("jira", "10017", "")]),
        ({"correlation_id": "rem-1", "correlation_display": "Firstline"}, []),
        ({"correlation_id": "OPS-17", "correlation_display": ""}, []),
        ({"u_ticket": "OPS-18"}, [("jira", "", "OPS-18")]),
    ],
)
def test_the_same_fault_elsewhere_is_known_by_the_integrations_own_fields(fields: Any, links: Any) -> None:
    reader = Reader("prod", settings("https://example.service-now.com", links={"u_ticket": "jira"}))
    incident = reader.incident("incident", {"sys_id": "a" * 32, **fields})
    assert [(link.system, link.id, link.number) for link in incident.links] == links


def test_a_state_that_was_added_means_what_the_operator_says() -> None:
    states = {"incident": {"42": "resolved"}}
    reader = Reader("prod", settings("https://example.service-now.com", states=states))
    record = {"sys_id": "a" * 32, "state": "42", "active": "true"}
    assert reader.incident("incident", record).state is IncidentState.RESOLVED
    assert READER.incident("incident", record).state is IncidentState.ACKNOWLEDGED


def test_a_broken_service_level_is_told() -> None:
    record = {"sys_id": "a" * 32, "made_sla": "false", "sla_due": "2026-11-22 21:00:00"}
    (agreement,) = READER.incident("incident", record).agreements
    assert agreement.breached
    assert agreement.due_at is not None
    kept = {"sys_id": "a" * 32, "made_sla": "true", "sla_due": "UNKNOWN"}
    assert READER.incident("incident", kept).agreements == ()
