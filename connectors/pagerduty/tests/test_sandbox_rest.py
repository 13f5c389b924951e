"""The sandbox's REST API answers as PagerDuty's documents say."""

from typing import Any

import pytest
from pydantic import ValidationError

from firstline.connector import SandboxSettings
from firstline_pagerduty.sandbox import create_app

pytestmark = pytest.mark.anyio

INCIDENT = "Q3B15VLMF3ASBD"
ONE = f"/incidents/{INCIDENT}"
# OpenAPI, the example of "Get an incident", less the fields that are given only when they are asked for.
FIELDS = {
    *("id", "type", "summary", "self", "html_url", "incident_number", "title", "created_at", "updated_at", "status"),
    *("incident_key", "service", "assignments", "assigned_via", "last_status_change_at", "resolved_at", "teams"),
    *("first_trigger_log_entry", "alert_counts", "is_mergeable", "incident_type", "escalation_policy", "urgency"),
    *("pending_actions", "acknowledgements", "alert_grouping", "last_status_change_by", "priority", "resolve_reason"),
    *("incidents_responders", "responder_requests"),
}


def put(**fields: Any) -> dict[str, Any]:
    return {"incident": {"type": "incident_reference", **fields}}


async def test_an_incident_has_the_documented_fields(sandbox: Any) -> None:
    incident = (await sandbox.request("GET", ONE)).json()["incident"]
    assert incident.keys() == FIELDS
    assert (incident["status"], incident["urgency"]) == ("triggered", "high")


async def test_the_body_is_given_only_when_it_is_asked_for(sandbox: Any) -> None:
    with_body = (await sandbox.request("GET", ONE + "?include[]=body")).json()["incident"]
    assert with_body.keys() - FIELDS == {"body"}


async def test_an_include_that_is_not_documented_is_refused(sandbox: Any) -> None:
    assert (await sandbox.request("GET", ONE + "?include[]=teams&include[]=notes")).status_code == 400
    assert (await sandbox.request("GET", ONE + "?include[]=teams")).status_code == 200


@pytest.mark.parametrize("header", ["", "Token", "Token token=", "Bearer the-token"])
async def test_without_a_key_nothing_is_answered(sandbox: Any, header: str) -> None:
    response = await sandbox.request("GET", ONE, Authorization=header)
    assert (response.status_code, response.json()["error"]["code"]) == (401, 2006)


async def test_another_key_than_the_seeds_is_refused(loopback: Any, at: Any) -> None:
    sandbox = at(loopback(create_app(SandboxSettings(seed={"token": "another"}))))
    assert (await sandbox.request("GET", "/abilities")).status_code == 401


async def test_what_is_not_there_is_not_found(sandbox: Any) -> None:
    for path in ("/incidents/QNONE", "/users/PNONE", "/services/PNONE", f"{ONE}/notes/PNONE", "/nowhere"):
        response = await sandbox.request("PUT" if "/notes/" in path else "GET", path)
        assert (response.status_code, response.json()) == (404, {"error": {"message": "Not Found", "code": 2100}})


async def test_a_write_without_from_is_refused(sandbox: Any) -> None:
    response = await sandbox.request("PUT", ONE, put(status="resolved"), From="")
    assert (response.status_code, response.json()["error"]["code"]) == (400, 2001)


async def test_a_write_in_the_name_of_nobody_is_refused(sandbox: Any) -> None:
    response = await sandbox.request("PUT", ONE, put(status="resolved"), From="nobody@example.com")
    assert (response.status_code, response.json()["error"]["code"]) == (400, 1008)


@pytest.mark.parametrize(
    ("before", "fields", "code"),
    [
        ([], {"status": "snoozed"}, 1003),
        (["resolved"], {"status": "resolved"}, 1001),
        (["acknowledged"], {"status": "acknowledged"}, 1002),
        ([], {"escalation_level": 3}, 1006),
        ([], {"escalation_level": 0}, 1006),
        ([], {"escalation_level": "next"}, 2001),
        (["resolved"], {"escalation_level": 2}, 1001),
        ([], {"assignments": [{"assignee": {"id": "PNONE"}}]}, 1007),
        ([], {"escalation_policy": {"id": "PNONE"}}, 1014),
        ([], {"priority": "P9"}, 1020),
        ([], {"type": "issue"}, 2001),
    ],
)
async def test_what_can_not_be_changed_is_refused_with_the_vendors_code(
    sandbox: Any, before: list[str], fields: dict[str, Any], code: int
) -> None:
    for status in before:
        await sandbox.change(status=status)
    response = await sandbox.request("PUT", ONE, put(**fields))
    assert (response.status_code, response.json()["error"]["code"]) == (400, code)


async def test_an_acknowledged_incident_has_who_acknowledged_it(sandbox: Any) -> None:
    incident = (await sandbox.change(status="acknowledged")).json()["incident"]
    assert [one["acknowledger"]["id"] for one in incident["acknowledgements"]] == ["PONCALL"]
    assert incident["last_status_change_by"]["id"] == "PONCALL"


async def test_a_resolved_incident_is_assigned_to_nobody(sandbox: Any) -> None:
    incident = (await sandbox.change(status="resolved")).json()["incident"]
    assert (incident["assignments"], incident["acknowledgements"]) == ([], [])
    assert incident["resolved_at"]


@pytest.mark.parametrize(("status", "assignee"), [("triggered", "PONCALL"), ("acknowledged", "PSECOND")])
async def test_another_status_reopens_a_resolved_incident(sandbox: Any, status: str, assignee: str) -> None:
    await sandbox.change(status="resolved")
    response = await sandbox.request("PUT", ONE, put(status=status), From="second-line@example.com")
    incident = response.json()["incident"]
    assert (incident["status"], incident["resolved_at"]) == (status, None)
    assert [one["assignee"]["id"] for one in incident["assignments"]] == [assignee]


async def test_a_reassigned_incident_leaves_its_escalation_policy(sandbox: Any) -> None:
    incident = (await sandbox.change(assignments=[{"assignee": {"id": "PSECOND"}}])).json()["incident"]
    assert incident["assigned_via"] == "direct_assignment"
    assert [one["assignee"]["id"] for one in incident["assignments"]] == ["PSECOND"]


async def test_a_title_and_a_priority_are_changed(sandbox: Any) -> None:
    incident = (await sandbox.change(title="Other", priority={"id": "PPRIO02", "type": "priority"})).json()["incident"]
    assert (incident["title"], incident["priority"]["summary"]) == ("Other", "P2")


async def test_several_incidents_are_changed_at_once(sandbox: Any) -> None:
    body = {"incidents": [{"id": INCIDENT, "type": "incident_reference", "status": "resolved"}]}
    response = await sandbox.request("PUT", "/incidents", body)
    assert [one["status"] for one in response.json()["incidents"]] == ["resolved"]


async def test_more_than_250_at_once_are_too_many(sandbox: Any) -> None:
    body = {"incidents": [{"id": INCIDENT, "type": "incident_reference"}] * 251}
    assert (await sandbox.request("PUT", "/incidents", body)).status_code == 413


async def test_if_one_of_several_is_not_there_none_is_changed(sandbox: Any) -> None:
    changes = [{"id": one, "type": "incident_reference", "status": "resolved"} for one in (INCIDENT, "QNONE")]
    assert (await sandbox.request("PUT", "/incidents", {"incidents": changes})).status_code == 404
    assert (await sandbox.incident())["status"] == "triggered"


async def test_an_incident_is_created(sandbox: Any) -> None:
    fields = {"type": "incident", "title": "It burns", "service": {"id": "PSHOP01"}, "incident_key": "fire"}
    body = {"incident": fields | {"body": {"type": "incident_body", "details": "Second floor."}}}
    response = await sandbox.request("POST", "/incidents", body)
    created = response.json()["incident"]
    assert (response.status_code, created["incident_number"]) == (201, 2)
    assert (await sandbox.incident(created["id"]))["body"]["details"] == "Second floor."


async def test_a_second_open_incident_with_one_key_is_refused(sandbox: Any) -> None:
    fields = {"type": "incident", "title": "It burns", "service": {"id": "PSHOP01"}, "incident_key": "fire"}
    answers = [await sandbox.request("POST", "/incidents", {"incident": fields}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 400]


@pytest.mark.parametrize("body", [None, [], {"incident": []}, {"incident": {"type": "incident", "title": "x"}}])
async def test_an_incident_without_what_it_needs_is_not_created(sandbox: Any, body: Any) -> None:
    response = await sandbox.request("POST", "/incidents", body)
    assert (response.status_code, response.json()["error"]["code"]) == (400, 2001)


async def test_notes_are_written_edited_and_deleted(sandbox: Any) -> None:
    notes = ONE + "/notes"
    note = (await sandbox.request("POST", notes, {"note": {"content": "One"}})).json()["note"]
    await sandbox.request("PUT", f"{notes}/{note['id']}", {"note": {"content": "Two"}})
    (kept,) = (await sandbox.request("GET", notes)).json()["notes"]
    assert (kept["id"], kept["content"], kept["user"]["id"]) == (note["id"], "Two", "PONCALL")
    await sandbox.request("DELETE", f"{notes}/{note['id']}")
    assert (await sandbox.request("GET", notes)).json() == {"notes": []}


@pytest.mark.parametrize("content", ["", " ", None, 3])
async def test_a_blank_note_is_refused(sandbox: Any, content: Any) -> None:
    response = await sandbox.request("POST", ONE + "/notes", {"note": {"content": content}})
    assert response.status_code == 400


async def test_the_log_is_newest_first(sandbox: Any) -> None:
    await sandbox.change(status="acknowledged")
    log = (await sandbox.request("GET", ONE + "/log_entries")).json()["log_entries"]
    assert [entry["type"] for entry in log] == [
        *("acknowledge_log_entry", "notify_log_entry", "assign_log_entry", "trigger_log_entry")
    ]


async def test_pages_follow_one_another_until_there_is_no_more(loopback: Any, at: Any) -> None:
    incidents = [{"id": f"Q{number}", "title": "t", "service": "PSHOP01"} for number in range(5)]
    sandbox = at(loopback(create_app(SandboxSettings(seed={"incidents": incidents}))))
    pages = [(await sandbox.request("GET", f"/incidents?limit=2&offset={offset}")).json() for offset in (0, 2, 4)]
    assert [one["id"] for page in pages for one in page["incidents"]] == [f"Q{number}" for number in range(5)]
    assert [(page["more"], page["total"]) for page in pages] == [(True, None), (True, None), (False, None)]


async def test_the_total_is_counted_only_when_asked_for(sandbox: Any) -> None:
    assert (await sandbox.request("GET", "/incidents?total=true")).json()["total"] == 1


@pytest.mark.parametrize("asked", ["offset=9990&limit=11", "offset=10000", "limit=x"])
async def test_a_page_beyond_the_ten_thousandth_record_is_refused(sandbox: Any, asked: str) -> None:
    assert (await sandbox.request("GET", f"/incidents?{asked}")).status_code == 400


async def test_the_last_page_before_the_ten_thousandth_record_is_given(sandbox: Any) -> None:
    assert (await sandbox.request("GET", "/incidents?offset=9990&limit=10")).status_code == 200


@pytest.mark.parametrize(
    ("asked", "count"),
    [("statuses[]=triggered", 1), ("statuses[]=resolved", 0), ("urgencies[]=low", 0), ("service_ids[]=PSHOP01", 1)],
)
async def test_incidents_are_filtered(sandbox: Any, asked: str, count: int) -> None:
    assert len((await sandbox.request("GET", f"/incidents?{asked}")).json()["incidents"]) == count


async def test_what_incidents_refer_to_can_be_read(sandbox: Any) -> None:
    for path, name in (
        ("/users/PONCALL", "user"),
        ("/services/PSHOP01", "service"),
        ("/escalation_policies/PEP0001", "escalation_policy"),
    ):
        one = (await sandbox.request("GET", path)).json()[name]
        every = (await sandbox.request("GET", path.rpartition("/")[0])).json()
        assert one in next(value for value in every.values() if isinstance(value, list))
    assert (await sandbox.request("GET", "/abilities")).json()["abilities"]
    assert len((await sandbox.request("GET", "/priorities")).json()["priorities"]) == 5


async def test_an_accounts_key_is_no_user(sandbox: Any) -> None:
    assert (await sandbox.request("GET", "/users/me")).status_code == 400


async def test_users_are_found_by_their_address(sandbox: Any) -> None:
    users = (await sandbox.request("GET", "/users?query=FIRSTLINE@")).json()["users"]
    assert [user["id"] for user in users] == ["PFIRSTL"]


async def test_who_is_on_call_stands_on_levels(sandbox: Any) -> None:
    rows = (await sandbox.request("GET", "/oncalls?escalation_policy_ids[]=PEP0001")).json()["oncalls"]
    assert [(row["escalation_level"], row["user"]["id"]) for row in rows] == [(1, "PONCALL"), (2, "PSECOND")]


async def test_each_answer_says_what_is_left_of_the_minute(loopback: Any, at: Any) -> None:
    sandbox = at(loopback(create_app(SandboxSettings(seed={"rate_limit": 2}))))
    answers = [await sandbox.request("GET", "/abilities") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["ratelimit-remaining"] for answer in answers] == ["1", "0", "0"]
    assert 0 < int(answers[2].headers["ratelimit-reset"]) <= 60
    assert answers[2].json() == {"error": {"message": "Rate Limit Exceeded", "code": 2020}}


async def test_a_reset_begins_anew(sandbox: Any) -> None:
    await sandbox.change(status="resolved")
    await sandbox.request("POST", "/sandbox/reset")
    state = await sandbox.state()
    assert [one["status"] for one in state["incidents"]] == ["triggered"]
    assert state["requests"] == {"total": 0}


@pytest.mark.parametrize(
    "seed", [{"odd": 1}, {"services": [{"id": "P1", "name": "x", "routing_key": "short"}]}, {"rate_limit": 0}]
)
def test_a_seed_that_is_wrong_is_refused(seed: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        create_app(SandboxSettings(seed=seed))


async def test_a_seeds_services_and_users_are_there(loopback: Any, at: Any) -> None:
    seed = {
        "services": [{"id": "PBOOK", "name": "books", "routing_key": "k" * 32, "escalation_policy": "Books"}],
        "users": [
            {"id": "PA", "name": "A", "email": "a@example.com"},
            {"id": "PB", "name": "B", "email": "b@example.com"},
        ],
    }
    state = await at(loopback(create_app(SandboxSettings(seed=seed)))).state()
    assert [one["summary"] for one in state["services"]] == ["books"]
    (policy,) = state["escalation_policies"]
    assert policy["name"] == "Books"
    assert [[user["id"] for user in rule["targets"]] for rule in policy["escalation_rules"]] == [["PA"], ["PB"]]
