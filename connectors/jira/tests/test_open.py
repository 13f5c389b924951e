"""What stands on a change once it is opened, and what is refused that would not stand there."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from firstline.connector import ChangeDraft, Evidence
from firstline.errors import Rejected
from firstline.incident import Reference
from firstline_jira.connector import JiraConnector

pytestmark = pytest.mark.anyio

Make = Callable[..., JiraConnector]

DRAFT = ChangeDraft(
    key="k",
    type="normal",
    short_description="Restart the shop",
    implementation_plan="restart it",
    risk="moderate",
    risk_and_impact="Ten seconds without the shop.",
)


async def issue(site: httpx.AsyncClient, reference: Reference) -> dict[str, Any]:
    state = (await site.get("/sandbox/state")).json()
    return next(found for found in state["issues"] if found["id"] == reference.id)


async def test_the_risk_stands_in_its_field_and_in_the_description(
    jira: JiraConnector, site: httpx.AsyncClient
) -> None:
    fields = (await issue(site, await jira.open(DRAFT)))["fields"]
    assert fields["customfield_10028"] == {"value": "Medium"}
    assert all(words in str(fields["description"]) for words in ("moderate", "Ten seconds without the shop."))


async def test_a_late_record_says_so_where_an_approver_reads(jira: JiraConnector, site: httpx.AsyncClient) -> None:
    late, early = [
        (await issue(site, await jira.open(DRAFT.model_copy(update={"key": str(late), "late": late}))))["fields"]
        for late in (True, False)
    ]
    assert late["summary"] == "Late record, filed after the work: Restart the shop"
    assert "filed after the work" in str(late["description"])
    assert "firstline-late" in late["labels"]
    assert "ate record" not in str(early)


async def test_what_the_create_screen_requires_is_named_before_anything_is_written(
    make: Make, jira: JiraConnector, address: str, site: httpx.AsyncClient
) -> None:
    await site.put("/sandbox/trouble", json={"mandatory": ["customfield_10031", "customfield_10029"]})
    with pytest.raises(Rejected, match=r"requires Approvers, Root cause: give it a value in change\.fields"):
        await jira.open(DRAFT)
    assert (await site.get("/sandbox/state")).json()["issues"][-1]["key"] == "HELP-2"
    ada = (await site.get("/rest/api/3/user/assignable/search?issueKey=HELP-1&query=ada")).json()[0]["accountId"]
    filled = make(address, change={"project": "HELP", "fields": {"root cause": "See incident", "Approvers": ada}})
    fields = (await issue(site, await filled.open(DRAFT)))["fields"]
    assert (fields["customfield_10031"], fields["customfield_10029"]) == ("See incident", [{"accountId": ada}])


async def test_a_project_that_was_mended_needs_no_restart(jira: JiraConnector, site: httpx.AsyncClient) -> None:
    await site.put("/sandbox/trouble", json={"mandatory": ["customfield_10031"]})
    with pytest.raises(Rejected):
        await jira.open(DRAFT)
    await site.put("/sandbox/trouble", json={})
    assert (await jira.open(DRAFT)).number == "HELP-3"


@pytest.mark.parametrize(
    ("ignored", "name"),
    [
        ("customfield_10021", "Implementation plan"),
        ("customfield_10020", "Change type"),
        ("description", "Description"),
    ],
)
async def test_a_write_that_jira_takes_and_ignores_is_rejected_by_its_name(
    jira: JiraConnector, site: httpx.AsyncClient, ignored: str, name: str
) -> None:
    await site.put("/sandbox/trouble", json={"read_only": [ignored]})
    for _ in range(2):  # the second finds what the first made
        with pytest.raises(Rejected, match=f"HELP-3 and did not keep {name}"):
            await jira.open(DRAFT)


async def test_a_type_that_the_site_calls_otherwise_is_named_in_the_settings(
    make: Make, jira: JiraConnector, address: str, site: httpx.AsyncClient
) -> None:
    wrong = make(address, change={"project": "HELP", "types": {"normal": "Ordinary"}})
    with pytest.raises(Rejected, match=r"Standard, Normal, Emergency, and none stands for normal: .* change\.types"):
        await wrong.open(DRAFT)
    renamed = make(address, change={"project": "HELP", "types": {"normal": "Standard", "standard": "Normal"}})
    change = await renamed.open(DRAFT)
    assert (await issue(site, change))["fields"]["customfield_10020"] == {"value": "Standard"}
    assert (await renamed.standing(change)).approval.state == "waiting"
    assert (await jira.standing(change)).approval.state == "not_required"


async def test_where_approvers_see_no_description_the_plan_is_a_comment_they_see(
    jira: JiraConnector, site: httpx.AsyncClient
) -> None:
    await site.put("/sandbox/trouble", json={"off_form": ["description"]})
    for _ in range(2):
        change = await jira.open(DRAFT)
    (comment,) = (await issue(site, change))["comments"]
    assert comment["jsdPublic"] is True
    assert all(words in comment["text"] for words in ("restart it", "Ten seconds without the shop."))


async def test_a_link_that_jira_takes_and_does_not_make_is_rejected(
    jira: JiraConnector, site: httpx.AsyncClient, incident: Reference
) -> None:
    await site.put("/sandbox/trouble", json={"read_only": ["issuelinks"]})
    with pytest.raises(Rejected, match="accepted a link 'Relates' and made none"):
        await jira.open(DRAFT.model_copy(update={"incident": incident}))
    change = await jira.open(DRAFT)
    with pytest.raises(Rejected, match="accepted a link 'Problem/Incident' and made none"):
        await jira.blame(incident, change)


async def test_the_incident_says_which_change_caused_it(
    jira: JiraConnector, site: httpx.AsyncClient, incident: Reference
) -> None:
    change = await jira.open(DRAFT)
    for _ in range(2):
        await jira.blame(incident, change)
    ((link,), (back,)) = [(await issue(site, one))["fields"]["issuelinks"] for one in (incident, change)]
    assert (link["type"]["inward"], link["inwardIssue"]["id"]) == ("is caused by", change.id)
    assert (back["type"]["outward"], back["outwardIssue"]["id"]) == ("causes", incident.id)


async def test_nothing_is_blamed_that_is_elsewhere_or_without_a_word_for_it(
    make: Make, jira: JiraConnector, address: str, incident: Reference
) -> None:
    change = await jira.open(DRAFT)
    with pytest.raises(Rejected, match="not both here"):
        await jira.blame(incident.model_copy(update={"connection": "servicenow-prod"}), change)
    other = make(address, change={"project": "HELP", "caused_by": "Cause"})
    with pytest.raises(Rejected, match=r"'Cause', which change\.caused_by names; it has: Relates, Problem/Incident"):
        await other.blame(incident, change)


async def test_a_change_closes_with_the_time_of_its_work(jira: JiraConnector, site: httpx.AsyncClient) -> None:
    change = await jira.open(DRAFT.model_copy(update={"type": "standard"}))
    begin, end = (datetime(2026, 11, 23, 9, minute, tzinfo=UTC) for minute in (1, 5))
    await jira.move(change, "implement", Evidence())
    await jira.move(change, "closed", Evidence(result="successful", work_start=begin, work_end=end))
    fields = (await issue(site, change))["fields"]
    assert fields["customfield_10026"] == "2026-11-23T09:01:00.000+0000"
    assert fields["customfield_10027"] == "2026-11-23T09:05:00.000+0000"
