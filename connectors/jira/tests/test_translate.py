import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from firstline.connector import Delivery
from firstline.errors import Rejected
from firstline.incident import Event, IncidentState
from firstline_jira.issue import View
from firstline_jira.settings import JiraSettings
from firstline_jira.translate import translate

# What each captured body says: type, issue, state, priority, id of the event. None: nothing, because Data Center tells
# of a comment without its issue and, by jira:issue_updated, with it.
CAPTURED: dict[str, tuple[str, str | None, str | None, int | None, str] | None] = {
    "cloud-comment-created-mention-user": ("incident.commented", "TES-41", "open", 2, "comment:10019:created"),
    "cloud-comment-deleted": ("incident.commented", "KT-7", "open", 2, "comment:10757:deleted"),
    "cloud-issue-created-many-fields": ("incident.opened", "KT-22", "open", 3, "issue:10509:created"),
    "issue-assigned-empty-changelog": ("incident.updated", "TEST-123", "open", 3, "issue:10001:changelog:10500"),
    "issue-created-no-description-nor-relevant-fields": (
        "incident.opened",
        "TES-41",
        "open",
        None,
        "issue:10040:created",
    ),
    "issue-created-no-relevant-fields": ("incident.opened", "TES-41", "open", None, "issue:10040:created"),
    "issue-created": ("incident.opened", "TES-41", "open", 2, "issue:10040:created"),
    "issue-updated-assigned-nobody": ("incident.updated", "TES-41", "open", 2, "issue:10040:changelog:10231"),
    "issue-updated-assigned": ("incident.updated", "TES-41", "open", 2, "issue:10040:changelog:10230"),
    "issue-updated-components": ("incident.updated", "TES-10", "open", 3, "issue:10360:changelog:12849"),
    "issue-updated-fix-version": ("incident.updated", "TES-41", "open", 2, "issue:10040:changelog:11151"),
    "issue-updated-labels": ("incident.updated", "TES-41", "open", 2, "issue:10040:changelog:10233"),
    "issue-updated-multiple-custom-fields": ("incident.updated", "TES-41", "open", 2, "issue:10040:changelog:10233"),
    "issue-updated-raised-priority": ("incident.escalated", "TES-41", "open", 2, "issue:10040:changelog:10235"),
    "issue-updated-renamed": ("incident.updated", "TES-41", "open", 2, "issue:10040:changelog:10224"),
    "issue-updated-reopened": ("incident.reopened", "TES-41", "open", 2, "issue:10040:changelog:10229"),
    "issue-updated-resolved": ("incident.resolved", "TES-41", "resolved", 2, "issue:10040:changelog:10228"),
    "issue-updated-started-working": ("incident.updated", "TES-41", "acknowledged", 2, "issue:10040:changelog:10227"),
    "server-comment-deleted": None,
    "server-issue-updated-closed": ("incident.closed", "TES-4", "resolved", 3, "issue:10300:changelog:10511"),
    "server-issue-updated-comment-edited": (
        "incident.commented",
        "PRJX-14",
        "open",
        3,
        "comment:10084:updated:1559609613665",
    ),
    "server-issue-updated-commented-2": ("incident.commented", "PRJA-42", "open", 3, "comment:10118:created"),
    "server-issue-updated-commented-mention-user": (
        "incident.commented",
        "PRJX-14",
        "open",
        3,
        "comment:10082:created",
    ),
    "server-issue-updated-many-fields": ("incident.updated", "HEY-15", "open", 1, "issue:10400:changelog:10508"),
    "server-issue-updated-resolved": ("incident.resolved", "TES-4", "resolved", 3, "issue:10300:changelog:10414"),
    "server-old-issue-updated-no-event-type-comment-deleted": (
        "incident.updated",
        "PRJX-14",
        "open",
        3,
        "issue:10013:updated:1559610488107",
    ),
    "server-old-issue-updated-no-event-type-commented": (
        "incident.commented",
        "PRJX-14",
        "open",
        3,
        "comment:10082:created",
    ),
    "server-updated-custom-field": ("incident.updated", "TES-8", "open", 3, "issue:10106:changelog:10200"),
}


def view(**more: Any) -> View:
    known = {"base_url": "https://e.atlassian.net", "user": "hub@example.com", "api_token": "t", "webhook_secrets": "s"}
    return View("jira-prod", JiraSettings.model_validate(known | more))


def all_told(body: Any, own: frozenset[str] = frozenset(), **more: Any) -> list[Event]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    delivery = Delivery(connection="jira-prod", key="k", body=raw, received_at=datetime(2026, 1, 2, tzinfo=UTC))
    return translate(delivery, view(**more), own)


def told(body: Any, own: frozenset[str] = frozenset(), **more: Any) -> Event:
    (event,) = all_told(body, own, **more)
    return event


def created(**fields: Any) -> dict[str, Any]:
    known = {"summary": "The shop is down", "updated": "2021-06-04T13:35:29.781+0200"}
    issue = {"id": "10001", "key": "HELP-1", "fields": known | fields}
    return {"timestamp": 1622806529000, "webhookEvent": "jira:issue_created", "issue": issue}


def updated(*changes: dict[str, Any], **fields: Any) -> dict[str, Any]:
    body = created(**fields) | {"webhookEvent": "jira:issue_updated", "issue_event_type_name": "issue_generic"}
    return body | {"changelog": {"id": "7", "items": list(changes)}}


def status(name: str, category: str) -> dict[str, Any]:
    return {"name": name, "statusCategory": {"key": category}}


@pytest.mark.parametrize("name", CAPTURED)
def test_a_captured_body_says_what_happened(name: str, contracts: Path) -> None:
    events = all_told((contracts / "webhooks" / f"{name}.json").read_bytes())
    shown = []
    for event in events:
        assert event.incident is not None
        incident = event.incident
        shown.append((event.type, incident.reference.number, str(incident.state), incident.priority, event.id))
    expected = CAPTURED[name]
    assert shown == ([expected] if expected else [])


def test_every_captured_body_is_in_the_table(contracts: Path) -> None:
    assert {path.stem for path in (contracts / "webhooks").glob("*.json")} == set(CAPTURED)


@pytest.mark.parametrize("name", CAPTURED)
def test_a_redelivery_is_the_same_event(name: str, contracts: Path) -> None:
    raw = (contracts / "webhooks" / f"{name}.json").read_bytes()
    again = json.dumps(json.loads(raw)).encode()
    assert [event.id for event in all_told(raw)] == [event.id for event in all_told(again)]


def test_one_comment_in_two_shapes_is_one_event() -> None:
    moment = "2021-06-04T13:35:29.781+0200"
    comment = {"id": "77", "body": "b", "created": moment, "updated": moment, "author": {"accountId": "a"}}
    six_fields = created() | {"webhookEvent": "comment_created", "comment": comment}
    updated_issue = {"webhookEvent": "jira:issue_updated", "issue_event_type_name": "issue_commented"}
    whole = created() | updated_issue | {"comment": comment}
    assert told(six_fields).id == told(whole).id == "comment:77:created"
    assert told(six_fields).type == told(whole).type == "incident.commented"


def test_a_comment_without_its_issue_does_not_shadow_the_one_with_it() -> None:
    alone = {"timestamp": 1, "webhookEvent": "comment_created", "comment": {"id": "77", "body": "b"}}
    assert all_told(alone) == []


def test_two_edits_of_a_comment_are_two_events() -> None:
    def edit(moment: str) -> dict[str, Any]:
        return created() | {"webhookEvent": "comment_updated", "comment": {"id": "7", "updated": moment}}

    assert told(edit("2021-06-04T13:35:29.781+0200")).id != told(edit("2021-06-04T13:35:30.781+0200")).id


def test_an_edit_is_by_who_edited_and_a_comment_by_who_wrote_it() -> None:
    comment = {"id": "7", "author": {"accountId": "pat"}, "updateAuthor": {"accountId": "sam"}}
    assert told(created() | {"webhookEvent": "comment_updated", "comment": comment}).actor == "sam"
    assert told(created() | {"webhookEvent": "comment_created", "comment": comment}).actor == "pat"


def test_a_comment_of_cloud_never_overwrites_a_fuller_view() -> None:
    body = created() | {"webhookEvent": "comment_created", "comment": {"id": "7"}}
    del body["issue"]["fields"]["updated"]
    event = told(body)
    assert event.incident is not None
    assert event.incident.version == 0


def test_times_are_in_utc_and_the_version_is_the_time_of_change() -> None:
    incident = told(created(created="2021-06-04T13:00:00.000+0200")).incident
    assert incident is not None
    assert incident.updated_at == datetime(2021, 6, 4, 11, 35, 29, 781000, tzinfo=UTC)
    assert incident.opened_at == datetime(2021, 6, 4, 11, tzinfo=UTC)
    assert incident.version == 1622806529781


@pytest.mark.parametrize(
    ("name", "number"),
    [("Highest", 1), ("High", 2), ("Medium", 3), ("Low", 4), ("Lowest", 5), ("P1", 1), ("p3", 3), ("Urgent", None)],
)
def test_a_priority_is_a_number(name: str, number: int | None) -> None:
    incident = told(created(priority={"name": name})).incident
    assert incident is not None
    assert incident.priority == number


def test_a_priority_may_be_sent_as_its_name_alone() -> None:
    """So it stands in the example of Atlassian's page ("Webhooks", "Example callback for an issue-related event")."""
    incident = told(created(priority="Minor", issuetype="Bug")).incident
    assert incident is not None
    assert (incident.priority, incident.subcategory) == (4, "Bug")


@pytest.mark.parametrize(
    ("timestamp", "second"),
    [
        (1525698237764, 57),
        ("1525698237764", 57),
        ("2018-05-07T08:03:57.764-0500", 57),
        ("2018-05-07T16:03:57+03:00", 57),
    ],
)
def test_the_time_is_read_in_each_form_that_is_documented_or_seen(timestamp: Any, second: int) -> None:
    at = told(created() | {"timestamp": timestamp}).occurred_at
    assert (at.hour, at.minute, at.second, at.tzinfo) == (13, 3, second, UTC)


@pytest.mark.parametrize(
    ("category", "state"), [("new", "open"), ("indeterminate", "acknowledged"), ("done", "resolved"), ("odd", "open")]
)
def test_the_state_is_the_statuss_category(category: str, state: str) -> None:
    incident = told(created(status=status("Whatever", category))).incident
    assert incident is not None
    assert incident.state == IncidentState(state)


def test_service_management_fields_are_found_by_their_shape() -> None:
    organization = {"id": "1", "name": "Acme", "_links": {"self": "https://e/rest/servicedeskapi/organization/1"}}
    incident = told(
        created(
            customfield_10010={"requestType": {"name": "Report a system problem"}, "currentStatus": {}},
            customfield_10002=[organization],
            components=[{"name": "shop"}, {"name": "web"}],
            issuetype={"name": "[System] Incident"},
            reporter={"accountId": "5b", "displayName": "Pat"},
        )
    ).incident
    assert incident is not None
    assert (incident.category, incident.subcategory) == ("Report a system problem", "[System] Incident")
    assert (incident.service, incident.group, incident.caller) == ("shop", "Acme", "Pat")


def test_nulls_where_objects_are_usual_are_survived() -> None:
    names = ("status", "priority", "issuetype", "project", "reporter", "components", "description", "summary")
    body = created(**dict.fromkeys(names)) | {"user": None, "changelog": None, "comment": None}
    incident = told(body).incident
    assert incident is not None
    assert (incident.title, incident.description, incident.priority) == ("", "", None)


def test_a_title_of_twenty_thousand_characters_is_kept() -> None:
    incident = told(created(summary="x" * 20_000)).incident
    assert incident is not None
    assert len(incident.title) == 20_000


def test_a_document_is_read_as_its_words() -> None:
    words = [{"type": "paragraph", "content": [{"type": "text", "text": text}]} for text in ("one", "two")]
    incident = told(created(description={"type": "doc", "version": 1, "content": words})).incident
    assert incident is not None
    assert incident.description == "one\ntwo"


@pytest.mark.parametrize(
    ("change", "fields", "expected"),
    [
        ({"field": "status", "fromString": "Open"}, {"status": status("Done", "done")}, "incident.resolved"),
        ({"field": "status", "fromString": "Open"}, {"status": status("Doing", "indeterminate")}, "incident.updated"),
        ({"field": "priority", "fromString": "High", "toString": "Low"}, {}, "incident.updated"),
        ({"field": "priority", "fromString": "Low", "toString": "High"}, {}, "incident.escalated"),
        ({"field": "summary", "fromString": "a", "toString": "b"}, {}, "incident.updated"),
        ({"field": "resolution", "from": None, "to": "1"}, {"status": status("Done", "done")}, "incident.resolved"),
        ({"field": "resolution", "from": "2", "to": "1"}, {"status": status("Done", "done")}, "incident.updated"),
        ({"field": "resolution", "from": "1", "to": None}, {"status": status("Open", "new")}, "incident.reopened"),
        ({"field": "resolution", "from": "1", "to": None}, {"status": status("Done", "done")}, "incident.updated"),
    ],
)
def test_what_an_update_is_follows_from_its_changelog(
    change: dict[str, Any], fields: dict[str, Any], expected: str
) -> None:
    assert told(updated(change, **fields)).type == expected


def transitioned(**fields: Any) -> dict[str, Any]:
    """What the workflow post function "Trigger a webhook" sends: no name of an event, the comment as its words."""
    body = created(**fields) | {"comment": "", "user": {"name": "leo"}}
    del body["webhookEvent"]
    return body | {"transition": {"transitionName": "Resolve", "from_status": "Open", "to_status": "Resolved"}}


def test_a_workflows_own_webhook_is_a_change_of_status() -> None:
    event = told(transitioned(status=status("Resolved", "done")))
    assert (event.type, event.vendor_type, event.actor) == ("incident.resolved", "transition", "leo")
    assert event.id == "issue:10001:transition:1622806529781"
    assert told(transitioned(status=status("Doing", "indeterminate"))).type == "incident.updated"


def test_a_workflows_own_webhook_with_words_is_no_comment() -> None:
    event = told(transitioned(status=status("Resolved", "done")) | {"comment": "Mended."})
    assert event.type == "incident.resolved"
    named = transitioned(status=status("Resolved", "done")) | {"webhookEvent": "jira:issue_updated", "comment": "Hm"}
    assert (told(named).type, told(named).vendor_type) == ("incident.resolved", "jira:issue_updated")


@pytest.mark.parametrize(
    ("name", "state"),
    [("Open", "open"), ("Reopened", "open"), ("In Progress", "acknowledged"), ("Resolved", "resolved"), ("?", "open")],
)
def test_a_status_of_old_servers_has_no_category_and_is_known_by_its_name(name: str, state: str) -> None:
    incident = told(created(status={"id": "1", "name": name})).incident
    assert incident is not None
    assert incident.state == IncidentState(state)


def test_what_our_account_did_is_our_own() -> None:
    body = created() | {"user": {"accountId": "hub-account"}}
    assert told(body, own=frozenset({"hub-account"})).own
    assert not told(body, own=frozenset({"somebody"})).own


@pytest.mark.parametrize(
    "shown",
    [
        {"properties": [{"key": "firstline", "value": {"key": "7.status"}}]},
        {"body": "*Mended*\n\n{anchor:firstline-7.status}"},
    ],
)
def test_a_comment_with_our_mark_names_the_note_and_is_ours_by_its_author_alone(shown: dict[str, Any]) -> None:
    comment = {"id": "7", "author": {"accountId": "x"}} | shown
    body = created() | {"webhookEvent": "comment_created", "comment": comment}
    assert (told(body).marker, told(body).own) == ("7.status", False)
    assert told(body, own=frozenset({"x"})).own


def test_nobody_is_not_our_own() -> None:
    assert not told(created(), own=frozenset({"hub-account"})).own


def test_types_that_are_no_incidents_are_of_type_other() -> None:
    body = created(issuetype={"name": "Story"})
    event = told(body, incident_types=["Incident"])
    assert (event.type, event.incident) == ("other", None)
    assert event.reference is not None
    assert told(created(issuetype={"name": "incident"}), incident_types=["Incident"]).type == "incident.opened"


def test_a_change_request_that_moved_is_such_an_event() -> None:
    fields = {"project": {"key": "HELP"}, "issuetype": {"name": "[System] Change"}}
    event = told(updated({"field": "status"}, **fields), change={"project": "HELP"})
    assert (event.type, event.incident) == ("change.updated", None)
    assert event.reference is not None
    assert event.reference.kind == "change"


def test_an_event_nobody_knows_is_of_type_other() -> None:
    event = told({"webhookEvent": "sprint_started", "timestamp": 1622806529000})
    assert (event.type, event.reference, event.vendor_type) == ("other", None, "sprint_started")


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"", "JSON"),
        (b"\xff", "JSON"),
        (b"[" * 100_000, "JSON"),
        (b"[]", "the body"),
        ({}, "webhookEvent"),
        ({"webhookEvent": 5.5}, "webhookEvent"),
        ({"transition": {"transitionName": "Resolve"}}, "issue"),
        ({"transition": "Resolve"}, "webhookEvent"),
        ({"webhookEvent": "jira:issue_created", "timestamp": 1}, "issue"),
        ({"webhookEvent": "jira:issue_created", "issue": "HELP-1"}, "issue"),
        ({"webhookEvent": "jira:issue_created", "issue": {"key": "HELP-1"}}, "issue.id"),
        (created(status="Open"), "issue.fields.status"),
        (created(priority=[1]), "issue.fields.priority"),
        (created(components=[None, "shop"]), "issue.fields.components[1]"),
        (created(updated="yesterday"), "issue.fields.updated"),
        (created(updated="2021-06-04T13:35:29.781"), "issue.fields.updated"),
        (created(summary={"a": 1}), "issue.fields.summary"),
        (created() | {"timestamp": "soon"}, "timestamp"),
        (created() | {"timestamp": "2018-05-07T08:03:57.764"}, "timestamp"),
        (created() | {"timestamp": "9" * 40}, "timestamp"),
        (created() | {"timestamp": 10**30}, "timestamp"),
        (created() | {"changelog": {"items": {}}}, "changelog.items"),
        (created() | {"comment": []}, "comment"),
    ],
)
def test_what_jira_never_sends_is_rejected_with_its_place(body: Any, place: str) -> None:
    with pytest.raises(Rejected) as caught:
        told(body)
    assert place in str(caught.value)
