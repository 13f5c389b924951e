from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from firstline.connector import Approval, ChangeDraft, Evidence, SandboxSettings
from firstline.errors import Rejected
from firstline.incident import Reference
from firstline_jira.approval import of_request
from firstline_jira.connector import JiraConnector
from firstline_jira.lifecycle import Lifecycle
from firstline_jira.sandbox import create_app
from firstline_jira.sandbox.app import MANAGER

pytestmark = pytest.mark.anyio

Make = Callable[..., JiraConnector]

STANDARD = ChangeDraft(
    key="remediation-7/change",
    type="standard",
    template="Restart web process",
    short_description="Restart the shop",
    implementation_plan="restart it",
    backout_plan="nothing to back out",
    ci="shop",
    planned_start=datetime(2026, 11, 23, 9, tzinfo=UTC),
    planned_end=datetime(2026, 11, 23, 10, tzinfo=UTC),
)
NORMAL = STANDARD.model_copy(update={"type": "normal", "key": "remediation-8/change"})


async def issue(site: httpx.AsyncClient, reference: Reference) -> dict[str, Any]:
    state = (await site.get("/sandbox/state")).json()
    return next(found for found in state["issues"] if found["id"] == reference.id)


async def test_a_change_is_a_customer_request_with_our_mark_and_the_plans(
    jira: JiraConnector, site: httpx.AsyncClient
) -> None:
    change = await jira.open(STANDARD)
    found = await issue(site, change)
    fields = found["fields"]
    assert (change.kind, change.number) == ("change", found["key"])
    assert fields["customfield_10010"]["requestType"]["name"] == "Change"
    assert found["properties"]["firstline.change"]["key"] == STANDARD.key
    assert fields["customfield_10020"] == {"value": "Standard"}
    assert fields["customfield_10024"] == "2026-11-23T09:00:00.000+0000"
    assert "restart it" in str(fields["customfield_10021"])
    assert "nothing to back out" in str(fields["description"])


async def test_a_change_is_found_again_that_search_does_not_know_yet(
    make: Make, loopback: Callable[[Any], str], seed: dict[str, Any]
) -> None:
    address = loopback(create_app(SandboxSettings(seed=seed | {"trouble": {"index_delay": 3600}})))
    first = await make(address).open(STANDARD.model_copy(update={"tried": False}))
    assert (await make(address).open(STANDARD)).id == first.id


async def test_a_change_is_linked_once_with_its_incident(
    jira: JiraConnector, site: httpx.AsyncClient, incident: Reference
) -> None:
    draft = STANDARD.model_copy(update={"incident": incident})
    change = await jira.open(draft)
    await jira.open(draft)
    links = (await issue(site, change))["fields"]["issuelinks"]
    assert [link["inwardIssue"]["id"] for link in links] == [incident.id]


async def test_an_incident_elsewhere_is_not_linked(jira: JiraConnector, site: httpx.AsyncClient) -> None:
    elsewhere = Reference(connection="servicenow-prod", kind="incident", id="9d385017c611228701d22104cc95c371")
    change = await jira.open(STANDARD.model_copy(update={"incident": elsewhere}))
    assert (await issue(site, change))["fields"]["issuelinks"] == []


async def test_a_standard_change_needs_no_approval(jira: JiraConnector, site: httpx.AsyncClient) -> None:
    change = await jira.open(STANDARD)
    await jira.move(change, "implement", Evidence())
    assert (await issue(site, change))["fields"]["status"]["name"] == "Implementing"
    assert (await jira.standing(change)).approval.state == "not_required"


async def test_a_normal_change_waits_for_its_approval_and_is_never_pushed(
    jira: JiraConnector, site: httpx.AsyncClient
) -> None:
    change = await jira.open(NORMAL)
    await jira.request(change, Evidence())
    assert (await jira.standing(change)).approval == Approval(state="waiting", by=("Change Manager",))
    with pytest.raises(Rejected, match="not approved"):
        await jira.move(change, "implement", Evidence())
    assert (await issue(site, change))["fields"]["status"]["name"] == "Peer review / change manager approval"


async def test_a_normal_change_that_nobody_was_asked_about_is_not_moved(
    jira: JiraConnector, site: httpx.AsyncClient
) -> None:
    change = await jira.open(NORMAL)
    assert (await jira.standing(change)).approval == Approval(state="waiting")
    with pytest.raises(Rejected, match="not approved"):
        await jira.move(change, "implement", Evidence())
    assert (await issue(site, change))["fields"]["status"]["name"] == "Planning"


async def test_approval_is_asked_for_once(jira: JiraConnector, site: httpx.AsyncClient) -> None:
    change = await jira.open(NORMAL)
    for _ in range(2):
        await jira.request(change, Evidence(notes="10 of 10 runs went well."))
    found = await issue(site, change)
    assert len(found["changelog"]) == len(found["approvals"]) == len(found["comments"]) == 1
    assert "10 of 10" in found["comments"][0]["text"]


async def test_who_approved_is_named_by_all_that_jira_names_them_by(
    jira: JiraConnector, site: httpx.AsyncClient
) -> None:
    change = await jira.open(NORMAL)
    await jira.request(change, Evidence())
    await site.post(f"/sandbox/request-approval/{change.number}/approve")
    standing = await jira.standing(change)
    assert standing.state == "scheduled"
    assert standing.approval.by == ("Change Manager",)
    assert standing.approval.accounts == (MANAGER.account_id, "change.manager@example.com")


async def test_planned_times_are_those_that_the_change_manager_set(
    jira: JiraConnector, site: httpx.AsyncClient
) -> None:
    change = await jira.open(NORMAL)
    later = "2026-11-24T23:30:00.000+0200"
    await site.put(f"/rest/api/3/issue/{change.id}", json={"fields": {"customfield_10024": later}})
    standing = await jira.standing(change)
    assert standing.planned_start == datetime(2026, 11, 24, 21, 30, tzinfo=UTC)
    assert standing.planned_end == NORMAL.planned_end


async def test_a_change_in_a_status_nobody_explained_is_not_moved(
    jira: JiraConnector, site: httpx.AsyncClient, incident: Reference
) -> None:
    await site.post("/rest/api/3/issue/HELP-1/transitions", json={"transition": {"id": "21"}})
    with pytest.raises(Rejected, match=r"'Pending'; say in change\.statuses"):
        await jira.move(incident, "implement", Evidence())


def way(name: str, to: str) -> dict[str, Any]:
    return {"id": "1", "name": name, "to": {"name": to, "statusCategory": {"key": "indeterminate"}}}


@pytest.mark.parametrize(
    "approving", [("Approve", "Implementing"), ("Go on", "Approved"), ("Authorise it", "Scheduled")]
)
async def test_a_transition_that_approves_is_not_ours(approving: tuple[str, str]) -> None:
    with pytest.raises(Rejected):
        Lifecycle({}).step([way(*approving)], "new", "implement", None)


async def test_what_is_approved_beforehand_is_a_standard_change_alone() -> None:
    ways = [way("Pre-approved", "Awaiting implementation")]
    assert Lifecycle({}).step(ways, "new", "implement", None, "standard") == ways[0]
    for kind in ("normal", "emergency", None):
        with pytest.raises(Rejected):
            Lifecycle({}).step(ways, "new", "implement", None, kind)


async def test_a_status_that_asks_is_no_step_on_the_way_elsewhere() -> None:
    with pytest.raises(Rejected):
        Lifecycle({}).step([way("Submit", "Awaiting CAB approval")], "new", "implement", None, "emergency")


@pytest.mark.parametrize(("strict", "asked"), [(True, "Awaiting CAB approval"), (False, "Peer review")])
async def test_an_emergency_or_a_high_risk_asks_the_board(strict: bool, asked: str) -> None:
    ways = [way("Review it", "Peer review"), way("Authorize", "Awaiting CAB approval"), way("Start", "Implementing")]
    assert Lifecycle({}).asking(ways, strict, "")["to"]["name"] == asked


def test_an_approval_by_the_hubs_own_account_is_named_as_such() -> None:
    hub = {"accountId": "5b", "displayName": "Firstline", "emailAddress": "hub@example.com"}
    approvers = [{"approver": hub, "approverDecision": "approved"}]
    given = of_request([{"finalDecision": "approved", "approvers": approvers}], "scheduled", "normal")
    assert given == Approval(state="approved", by=("Firstline",), accounts=("5b", "hub@example.com"))


async def test_a_change_is_closed_through_its_review() -> None:
    step = Lifecycle({}).step([way("Review", "In review"), way("Back", "Planning")], "implement", "closed", None)
    assert step["name"] == "Review"


async def test_a_change_that_was_not_implemented_is_not_closed_through_it() -> None:
    with pytest.raises(Rejected):
        Lifecycle({}).step([way("Start", "Implementing")], "scheduled", "closed", None)


async def test_what_can_not_be_moved_gets_no_note_of_a_move(jira: JiraConnector, site: httpx.AsyncClient) -> None:
    change = await jira.open(NORMAL)
    with pytest.raises(Rejected):
        await jira.move(change, "closed", Evidence(notes="done", result="successful"))
    assert (await issue(site, change))["comments"] == []


async def test_an_approved_change_goes_on(jira: JiraConnector, site: httpx.AsyncClient) -> None:
    change = await jira.open(NORMAL)
    await jira.request(change, Evidence())
    await site.post(f"/sandbox/request-approval/{change.number}/approve")
    assert (await jira.standing(change)).approval.state == "approved"
    await jira.request(change, Evidence())  # answered: nothing to do
    await jira.move(change, "implement", Evidence())
    assert (await issue(site, change))["fields"]["status"]["name"] == "Implementing"


async def test_a_declined_change_is_refused_and_stays(jira: JiraConnector, site: httpx.AsyncClient) -> None:
    change = await jira.open(NORMAL)
    await jira.request(change, Evidence())
    await site.post(f"/sandbox/request-approval/{change.number}/decline")
    assert (await jira.standing(change)).approval.state == "refused"
    with pytest.raises(Rejected, match="Declined"):
        await jira.move(change, "implement", Evidence())


@pytest.mark.parametrize(("result", "status"), [("successful", "Completed"), ("unsuccessful", "Failed")])
async def test_a_change_closes_by_its_result_with_one_note_of_the_evidence(
    jira: JiraConnector, site: httpx.AsyncClient, result: Any, status: str
) -> None:
    change = await jira.open(STANDARD)
    await jira.move(change, "implement", Evidence())
    evidence = Evidence(notes="The shop answers.", result=result, work_end=datetime(2026, 11, 23, 9, 5, tzinfo=UTC))
    for _ in range(2):
        await jira.move(change, "review", evidence)  # the workflow has no such status
        await jira.move(change, "closed", evidence)
    found = await issue(site, change)
    assert found["fields"]["status"]["name"] == status
    (comment,) = found["comments"]
    assert all(words in comment["text"] for words in ("The shop answers.", result, "2026-11-23 09:05:00+00:00"))
    assert comment["jsdPublic"] is False


async def test_a_change_is_canceled(jira: JiraConnector, site: httpx.AsyncClient) -> None:
    change = await jira.open(NORMAL)
    await jira.move(change, "canceled", Evidence(notes="No longer needed"))
    assert (await issue(site, change))["fields"]["status"]["name"] == "Canceled"


async def test_a_way_that_is_not_offered_is_rejected_with_what_is(jira: JiraConnector) -> None:
    change = await jira.open(STANDARD)
    with pytest.raises(Rejected, match="Request peer review"):
        await jira.move(change, "closed", Evidence())


async def test_an_emergency_that_jira_does_not_let_run_first_is_approved_and_closed_afterwards(
    jira: JiraConnector, site: httpx.AsyncClient
) -> None:
    change = await jira.open(STANDARD.model_copy(update={"type": "emergency", "late": True}))
    with pytest.raises(Rejected, match="Request CAB approval"):
        await jira.move(change, "implement", Evidence())
    await jira.request(change, Evidence())
    assert (await issue(site, change))["fields"]["status"]["name"] == "Awaiting CAB approval"
    await site.post(f"/sandbox/request-approval/{change.number}/approve")
    await jira.move(change, "closed", Evidence(result="successful"))
    assert (await issue(site, change))["fields"]["status"]["name"] == "Completed"


async def test_a_running_change_on_the_same_item_is_a_conflict(jira: JiraConnector) -> None:
    other = await jira.open(STANDARD.model_copy(update={"key": "other", "planned_start": None}))
    mine = await jira.open(STANDARD)
    assert await jira.conflicts(mine) == []
    await jira.move(other, "implement", Evidence())
    (conflict,) = await jira.conflicts(mine)
    assert conflict.what.startswith(f"{other.number} (Implementing)")


async def test_a_change_planned_for_the_same_time_on_the_same_item_is_a_conflict(jira: JiraConnector) -> None:
    mine = await jira.open(STANDARD)
    await jira.open(NORMAL)
    elsewhere = NORMAL.model_copy(update={"key": "x", "ci": "bank", "short_description": "Restart the bank"})
    await jira.open(elsewhere)
    later = {"planned_start": datetime(2026, 12, 1, tzinfo=UTC), "planned_end": datetime(2026, 12, 2, tzinfo=UTC)}
    await jira.open(NORMAL.model_copy(update={"key": "y", **later}))
    assert len(await jira.conflicts(mine)) == 1


async def test_statuses_of_a_site_are_named_in_the_settings(make: Make, address: str) -> None:
    jira = make(address, change={"project": "HELP", "statuses": {"Awaiting implementation": "implement"}})
    change = await jira.open(STANDARD)
    await jira.move(change, "implement", Evidence())
    await jira.move(change, "implement", Evidence())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"project": "NONE"}, "HELP"),
        ({"project": "HELP", "request_type": "Upgrade"}, "Unlock my account"),
        ({"project": "HELP", "issue_type": "Epic"}, "System"),
    ],
)
async def test_a_project_without_changes_is_rejected_with_what_it_has(
    make: Make, address: str, change: dict[str, str], words: str
) -> None:
    with pytest.raises(Rejected, match=words):
        await make(address, change=change).open(STANDARD)


async def test_a_project_without_request_types_keeps_changes_too(make: Make, address: str) -> None:
    jira = make(address, change={"project": "HELP", "issue_type": "[System] Change"})
    change = await jira.open(STANDARD)
    await jira.move(change, "implement", Evidence())
    assert (await jira.standing(change)).approval.state == "not_required"


async def test_a_connection_without_change_settings_keeps_no_changes(make: Make, address: str) -> None:
    with pytest.raises(Rejected, match="keeps no changes"):
        await make(address, change=None).open(STANDARD)


async def test_a_long_draft_fits(jira: JiraConnector, site: httpx.AsyncClient) -> None:
    long = "\\" * 20_000
    names = ("description", "justification", "implementation_plan", "risk_and_impact", "backout_plan", "test_plan")
    change = await jira.open(STANDARD.model_copy(update=dict.fromkeys(names, long) | {"short_description": "s" * 999}))
    assert len((await issue(site, change))["fields"]["summary"]) == 255
