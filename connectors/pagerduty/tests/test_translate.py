import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from firstline.connector import Delivery
from firstline.errors import Rejected
from firstline.incident import Event, IncidentState
from firstline_pagerduty.translate import translate

CAPTURED = {
    "acknowledged_v3.json": "incident.acknowledged",
    "annotated_v3.json": "incident.commented",
    "conference_bridge_updated_v3.json": "other",
    "escalated_v3.json": "incident.escalated",
    "gopagerduty_priority_updated.body.json": "incident.updated",
    "incident_service_updated_v3.json": "incident.updated",
    "priority_updated_v3.json": "incident.updated",
    "resolved_v3.json": "incident.resolved",
    "responder_added_v3.json": "other",
    "triggered_v3.json": "incident.opened",
    "unacknowledged_v3.json": "incident.updated",
    "workflow_completed_v3.json": "other",
}


def translated(body: bytes | dict[str, Any], own_user_id: str = "") -> Event:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    delivery = Delivery(connection="pd", key="k", body=raw, received_at=datetime.now(UTC))
    return translate(delivery, own_user_id)


def triggered(**changes: Any) -> dict[str, Any]:
    told = {"id": "PFQZPSY", "type": "incident", "status": "triggered", "title": "It is down"} | changes
    event = {"id": "01", "event_type": "incident.triggered", "occurred_at": "2021-06-04T13:35:29.781Z", "data": told}
    return {"event": event}


def with_event(**changes: Any) -> dict[str, Any]:
    return {"event": triggered()["event"] | changes}


@pytest.mark.parametrize(("file", "kind"), CAPTURED.items())
def test_each_captured_webhook_is_an_event_of_its_kind(contracts: Path, file: str, kind: str) -> None:
    body = (contracts / file).read_bytes()
    event = translated(body)
    told = json.loads(body)["event"]
    assert event.type == kind
    assert (event.vendor_type, event.data["event"]) == (told["event_type"], told)
    assert event.reference is not None
    assert event.reference.id == (told["data"].get("incident") or told["data"])["id"]


@pytest.mark.parametrize(
    ("file", "id_"),
    [
        ("triggered_v3.json", "PFQZPSY:opened"),
        ("resolved_v3.json", "PCPZE64:resolved:1622812613"),
        ("annotated_v3.json", "Q3B15VLMF3ASBD:annotated:1775009939:PXRUEF2"),
        ("workflow_completed_v3.json", "32743191412443541367815146404898342710"),
    ],
)
def test_what_the_log_tells_too_has_an_id_that_it_gives_as_well(contracts: Path, file: str, id_: str) -> None:
    assert translated((contracts / file).read_bytes()).id == id_


def test_no_captured_webhook_is_left_out(contracts: Path) -> None:
    assert {path.name for path in contracts.glob("*.json")} - {"signature_vectors.json"} == CAPTURED.keys()


def test_an_opened_incident_has_what_the_webhook_tells(contracts: Path) -> None:
    event = translated((contracts / "triggered_v3.json").read_bytes())
    incident = event.incident
    assert incident is not None
    assert event.actor == "PJ0LVEB"
    assert event.occurred_at == datetime(2021, 6, 4, 13, 35, 29, 781000, UTC)
    assert incident.version == int(event.occurred_at.timestamp() * 1000)
    assert incident.reference == event.reference
    assert incident.reference.number == "#9"
    assert incident.reference.url == "https://pig208.pagerduty.com/incidents/PFQZPSY"
    assert (incident.title, incident.state, incident.urgency) == ("Test Incident 3", IncidentState.OPEN, 1)
    assert (incident.service, incident.group, incident.priority) == ("pig208", "Default", None)
    assert incident.data["id"] == "PFQZPSY"


def test_times_are_in_utc() -> None:
    event = translated(with_event(occurred_at="2021-06-04T08:35:29.781-05:00"))
    assert event.occurred_at.isoformat() == "2021-06-04T13:35:29.781000+00:00"


def test_priority_and_team_are_read_where_the_account_uses_them(contracts: Path) -> None:
    incident = translated((contracts / "gopagerduty_priority_updated.body.json").read_bytes()).incident
    assert incident is not None
    assert (incident.priority, incident.group) == (1, "Engineering")


@pytest.mark.parametrize(("name", "number"), [("P1", 1), ("P5", 5), ("P2 - High", 2), ("P10", None), ("SEV-1", None)])
def test_only_priorities_named_p1_to_p5_are_numbers(name: str, number: int | None) -> None:
    incident = translated(triggered(priority={"summary": name})).incident
    assert incident is not None
    assert incident.priority == number


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("triggered", IncidentState.OPEN),
        ("acknowledged", IncidentState.ACKNOWLEDGED),
        ("resolved", IncidentState.RESOLVED),
    ],
)
def test_each_status_is_a_state(status: str, state: IncidentState) -> None:
    incident = translated(triggered(status=status)).incident
    assert incident is not None
    assert incident.state == state


def test_nulls_where_objects_usually_stand_do_no_harm() -> None:
    absent = dict.fromkeys(
        (
            "priority",
            "service",
            "escalation_policy",
            "teams",
            "urgency",
            "html_url",
            "number",
            "assignees",
            "created_at",
        )
    )
    event = translated({"event": triggered(**absent)["event"] | {"agent": None, "client": None}})
    assert event.incident is not None
    assert (event.incident.service, event.incident.group, event.actor) == ("", "", "")
    assert event.incident.reference.label == "PFQZPSY"


def test_a_team_without_a_name_gives_way_to_the_escalation_policy() -> None:
    incident = translated(triggered(teams=[{"summary": None}], escalation_policy={"summary": "Ops"})).incident
    assert incident is not None
    assert incident.group == "Ops"


def test_a_very_long_title_survives() -> None:
    title = "ü" * 20_000
    incident = translated(triggered(title=title)).incident
    assert incident is not None
    assert incident.title == title


def test_a_ping_is_a_ping() -> None:
    event = translated(with_event(event_type="pagey.ping", data={"message": "Hello", "type": "ping"}))
    assert (event.type, event.reference, event.incident) == ("ping", None, None)


@pytest.mark.parametrize("kind", ["service.updated", "incident.brand_new_thing", "nonsense"])
def test_an_event_that_is_not_known_is_no_error(kind: str) -> None:
    event = translated(with_event(event_type=kind, data={"id": "PF9KMXH", "type": "service", "summary": "shop"}))
    assert (event.type, event.vendor_type, event.incident) == ("other", kind, None)


def test_what_our_own_user_did_is_our_own() -> None:
    assert translated(with_event(agent={"id": "PFIRSTL"}), own_user_id="PFIRSTL").own


def test_what_somebody_else_did_is_not() -> None:
    assert not translated(with_event(agent={"id": "PJ0LVEB"}), own_user_id="PFIRSTL").own


def test_an_event_without_an_agent_is_nobodys_even_if_we_do_not_know_ourselves() -> None:
    assert not translated(with_event(agent=None), own_user_id="").own


def annotated(content: str, agent: str = "", **settings: str) -> Event:
    told = {"incident": {"id": "PFQZPSY"}, "id": "PN", "content": content, "type": "incident_note"}
    return translated(with_event(event_type="incident.annotated", data=told, agent={"id": agent}), **settings)


@pytest.mark.parametrize(
    ("content", "marker"),
    [
        ("Restarted.\n\n[firstline:r1/open]", "r1/open"),
        ("I restarted it", ""),
        ("[firstline:r1/open] is done", ""),
        ("Restarted.\n\n[firstline:r1/o", ""),
    ],
)
def test_a_note_of_ours_is_told_by_its_key(content: str, marker: str) -> None:
    assert annotated(content).marker == marker


def test_a_marked_note_is_our_own_unless_we_know_that_somebody_else_wrote_it() -> None:
    content = "Restarted.\n\n[firstline:r1/open]"
    assert annotated(content, "PFIRSTL", own_user_id="PFIRSTL").own
    assert annotated(content, "PSOMEBODY").own
    assert not annotated(content, "PSOMEBODY", own_user_id="PFIRSTL").own


def test_an_incident_that_our_own_alarm_opened_is_our_own() -> None:
    assert translated(triggered(incident_key="firstline:parked/pd")).own


def test_our_mark_in_a_title_makes_nothing_our_own() -> None:
    assert not translated(triggered(title="[firstline:spoof]")).own


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"", "body: not JSON"),
        (b"not json", "body: not JSON"),
        (b"\xff\xfe", "body: not JSON"),
        (b'{"event": ' * 5000, "body: not JSON"),
        (b"[]", "body: not a JSON object"),
        ({}, "body.event"),
        ({"event": None}, "body.event"),
        (with_event(id=""), "body.event.id"),
        (with_event(event_type=None), "body.event.event_type"),
        (with_event(occurred_at="yesterday"), "body.event.occurred_at"),
        (with_event(occurred_at="2021-06-04T13:35:29"), "body.event.occurred_at"),
        (with_event(agent="me"), "body.event.agent"),
        (with_event(data=[]), "body.event.data"),
        (with_event(data={}), "body.event.data.id"),
        (triggered(id="../users"), "body.event.data.id"),
        (triggered(status="snoozed"), "body.event.data.status"),
        (triggered(title={"a": 1}), "body.event.data.title"),
        (triggered(service="shop"), "body.event.data.service"),
        (triggered(teams=[3]), "body.event.data.teams.0"),
    ],
)
def test_what_can_not_be_used_is_rejected_and_the_place_is_named(body: bytes | dict[str, Any], place: str) -> None:
    with pytest.raises(Rejected) as caught:
        translated(body)
    assert str(caught.value).startswith(place)


@pytest.mark.parametrize("link", [None, "PFQZPSY", {"id": None}, {"id": "../x"}, {}])
def test_a_note_that_names_no_incident_has_no_reference(link: Any) -> None:
    told = {"incident": link, "id": "PN", "content": None, "type": "incident_note"}
    event = translated(with_event(event_type="incident.annotated", data=told))
    assert (event.type, event.reference) == ("incident.commented", None)


def test_a_role_assignment_names_the_incident_in_its_list() -> None:
    told = {"type": "incident_role_assignment", "incident_role_assignments": [{"incident": {"id": "PFQZPSY"}}]}
    event = translated(with_event(event_type="incident.role.assigned", data=told))
    assert event.reference is not None
    assert (event.type, event.reference.id) == ("other", "PFQZPSY")


@pytest.mark.parametrize("rows", [None, [], [None], {}, ["x"]])
def test_a_role_assignment_of_another_shape_has_no_reference(rows: Any) -> None:
    told = {"type": "incident_role_assignment", "incident_role_assignments": rows}
    assert translated(with_event(event_type="incident.role.assigned", data=told)).reference is None


def test_an_event_type_that_is_new_still_names_its_incident() -> None:
    event = translated(with_event(event_type="incident.something_new", data={"type": "incident", "id": "PIQUG8X"}))
    assert event.reference is not None
    assert (event.type, event.reference.id, event.incident) == ("other", "PIQUG8X", None)
