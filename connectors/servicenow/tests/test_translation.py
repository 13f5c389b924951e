"""What a delivery tells, in all the forms it may have."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from connectors.servicenow.tests.stage import INCIDENT, settings
from hypothesis import given
from hypothesis import strategies as st

from firstline.connector import Delivery
from firstline.errors import Rejected
from firstline.incident import Event, IncidentState
from firstline_servicenow.translate import Reader

READER = Reader("prod", settings("https://example.service-now.com"))
RECEIVED = datetime(2026, 11, 22, 21, 5, tzinfo=UTC)


def delivery(body: Any) -> Delivery:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Delivery(connection="prod", key="k", body=raw, received_at=RECEIVED)


def told(record: dict[str, Any] | None = None, **more: Any) -> Event:
    body = {
        "table": "incident",
        "operation": "update",
        "sys_id": INCIDENT,
        "sys_mod_count": 3,
        "sys_updated_on": "2026-11-22 21:04:59",
        "sys_updated_by": "beth.anglin",
        "record": {"number": "INC0012345", "state": "2"} if record is None else record,
        **more,
    }
    (event,) = READER.events(delivery(body))
    return event


def test_an_insert_opens_an_incident() -> None:
    event = told(operation="insert", sys_mod_count=0)
    assert (event.type, event.id) == ("incident.opened", f"{INCIDENT}:0")
    assert event.occurred_at == datetime(2026, 11, 22, 21, 4, 59, tzinfo=UTC)
    assert event.reference is not None
    assert event.reference.number == "INC0012345"
    assert event.reference.url.startswith("https://example.service-now.com/nav_to.do?uri=incident.do%3Fsys_id%3D")


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("", "6", "incident.resolved"),
        ("", "7", "incident.closed"),
        ("", "8", "incident.closed"),
        ("", "2", "incident.updated"),
        ("2", "6", "incident.resolved"),
        ("6", "7", "incident.closed"),
        ("6", "6", "incident.updated"),
        ("6", "2", "incident.reopened"),
        ("7", "1", "incident.reopened"),
        ("1", "2", "incident.acknowledged"),
        ("2", "3", "incident.updated"),
    ],
)
def test_an_update_is_told_by_the_state_before_and_after(before: str, after: str, expected: str) -> None:
    previous = {"state": before} if before else {}
    assert told({"state": after}, previous=previous).type == expected


@pytest.mark.parametrize(
    ("code", "state"),
    [
        ("1", IncidentState.OPEN),
        ("2", IncidentState.ACKNOWLEDGED),
        ("3", IncidentState.ACKNOWLEDGED),
        ("6", IncidentState.RESOLVED),
        ("7", IncidentState.CLOSED),
        ("8", IncidentState.CLOSED),
        ("", IncidentState.OPEN),
        ("42", IncidentState.ACKNOWLEDGED),
    ],
)
def test_each_state_of_the_vendor_is_one_of_ours(code: str, state: IncidentState) -> None:
    incident = told({"state": code, "active": "true"}).incident
    assert incident is not None
    assert incident.state is state


def test_a_state_of_the_customers_own_is_closed_when_the_incident_is_not_active() -> None:
    incident = told({"state": "42", "active": False}).incident
    assert incident is not None
    assert incident.state is IncidentState.CLOSED


@pytest.mark.parametrize("form", ["objects", "texts"])
def test_fields_are_read_as_objects_and_as_texts(form: str) -> None:
    record = {"short_description": "Down", "priority": "2", "business_service": "shop", "assignment_group": "Web"}
    given_form = {name: {"value": text, "display_value": text} for name, text in record.items()}
    incident = told(given_form if form == "objects" else record).incident
    assert incident is not None
    assert (incident.title, incident.priority, incident.service, incident.group) == ("Down", 2, "shop", "Web")


def test_a_reference_is_shown_by_its_name_and_a_choice_read_by_its_value() -> None:
    record = {
        "cmdb_ci": {"value": "c" * 32, "display_value": "shop"},
        "category": {"value": "software", "display_value": "Software (all)"},
    }
    incident = told(record).incident
    assert incident is not None
    assert (incident.ci, incident.category) == ("shop", "software")


def test_nulls_where_objects_are_usual_are_empty_words() -> None:
    record = dict.fromkeys(["short_description", "cmdb_ci", "priority", "opened_at", "state", "caller_id", "number"])
    incident = told(record).incident
    assert incident is not None
    assert (incident.title, incident.ci, incident.priority, incident.opened_at) == ("", "", None, None)


def test_a_very_long_title_is_kept_whole() -> None:
    incident = told({"short_description": "x" * 20_000}).incident
    assert incident is not None
    assert len(incident.title) == 20_000


@pytest.mark.parametrize(
    "text",
    ["2026-11-22 21:04:59", "2026-11-22T21:04:59Z", "2026-11-22T22:04:59+01:00", " 2026-11-22 21:04:59 "],
)
def test_times_with_and_without_zone_are_the_same_moment(text: str) -> None:
    assert told(sys_updated_on=text).occurred_at == datetime(2026, 11, 22, 21, 4, 59, tzinfo=UTC)


@pytest.mark.parametrize("text", ["22/11/2026 21:04", "yesterday", "2026-13-01 00:00:00"])
def test_a_time_in_another_form_is_rejected_with_its_place(text: str) -> None:
    with pytest.raises(Rejected, match="opened_at"):
        told({"opened_at": text})


@pytest.mark.parametrize("by", ["firstline", "FirstLine"])
def test_what_our_own_account_wrote_is_our_own(by: str) -> None:
    event = told(sys_updated_by=by)
    assert event.own
    assert event.actor == by


def test_what_somebody_else_wrote_is_not_our_own() -> None:
    assert not told().own
    assert not told(sys_updated_by="").own


def test_a_change_request_is_updated() -> None:
    event = told({"number": "CHG0030001", "approval": "approved"}, table="change_request")
    assert event.type == "change.updated"
    assert event.incident is None
    assert event.reference is not None
    assert event.reference.kind == "change_request"


@pytest.mark.parametrize(
    ("of", "kind", "expected"),
    [
        ("change_request", ("change_request", "c" * 32), "change.updated"),
        ("sc_req_item", ("sysapproval_approver", INCIDENT), "other"),
    ],
)
def test_an_approvers_answer_is_news_of_the_change_it_is_about(of: str, kind: tuple[str, str], expected: str) -> None:
    approval = {
        "sysapproval": "c" * 32,
        "sysapproval.number": "CHG0030001",
        "sysapproval.sys_class_name": of,
        "state": "approved",
    }
    event = told(approval, table="sysapproval_approver")
    assert event.reference is not None
    assert (event.type, event.reference.kind, event.reference.id) == (expected, *kind)
    assert event.reference.number == ("CHG0030001" if of == "change_request" else "")


def test_another_table_is_of_type_other() -> None:
    assert told(table="u_own_table").type == "other"


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"not json", "JSON"),
        (b"\xff\xfe", "JSON"),
        (b"[]", "object"),
        (b"{}", "table"),
        ({"table": 3}, "table"),
        ({"table": "../x"}, "table"),
        ({"table": "incident", "sys_id": "../../admin"}, "sys_id"),
        ({"table": "incident", "sys_id": INCIDENT, "record": None}, "record"),
        ({"table": "incident", "sys_id": INCIDENT, "record": {}, "sys_mod_count": "many"}, "sys_mod_count"),
        ({"table": "incident", "sys_id": INCIDENT, "record": {"state": []}}, "state"),
        ({"table": "incident", "sys_id": INCIDENT, "record": {"state": {"value": {"x": 1}}}}, "state"),
    ],
)
def test_what_is_not_in_our_scripts_form_is_rejected_with_its_place(body: Any, place: str) -> None:
    with pytest.raises(Rejected, match=place):
        READER.events(delivery(body))


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["state", "active", "priority", "opened_at", "cmdb_ci", "number"]), JSON), JSON)
def test_whatever_a_record_holds_it_is_translated_or_rejected(record: dict[str, Any], previous: Any) -> None:
    try:
        event = told(record, previous=previous)
    except Rejected:
        return
    assert event.incident is not None
