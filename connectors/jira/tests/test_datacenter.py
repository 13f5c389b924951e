"""Data Center: REST v2, wiki text, people by login."""

from typing import Any

import httpx
import pytest
from connectors.jira.tests.conftest import DATA_CENTER, Make
from hypothesis import given
from hypothesis import strategies as some

from firstline.connector import ChangeDraft, Evidence, Fact, Note, StateChange, Update
from firstline.incident import IncidentState, Reference
from firstline_jira import wiki
from firstline_jira.connector import JiraConnector
from firstline_jira.fit import LIMIT, units

pytestmark = pytest.mark.anyio

NOTE = Note(key="7.status", headline="Mended by restart-web", body="It answers again.", output="a{b}\n")


@pytest.fixture
async def person(server: str) -> Any:
    """The Data Center as another person uses it."""
    auth = ("sam.agent@example.com", "sandbox-token")
    async with httpx.AsyncClient(base_url=server, auth=auth, trust_env=False) as http:
        yield http


async def comments(person: httpx.AsyncClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await person.get("/sandbox/state")).json()["issues"][0]["comments"]
    return found


async def test_the_live_note_is_one_internal_comment_edited_in_place(
    jira_server: JiraConnector, person: httpx.AsyncClient, incident: Reference
) -> None:
    first = await jira_server.write_note(incident, NOTE)
    again = await jira_server.write_note(incident, NOTE)
    edited = await jira_server.write_note(incident, NOTE.model_copy(update={"body": "It failed again."}))
    assert first.id == again.id == edited.id
    (comment,) = await comments(person)
    assert "It failed again." in comment["body"]
    assert comment["jsdPublic"] is False


async def test_a_copied_mark_does_not_make_somebody_elses_comment_ours(
    jira_server: JiraConnector, person: httpx.AsyncClient, incident: Reference
) -> None:
    await jira_server.write_note(incident, NOTE)
    (ours,) = await comments(person)
    await person.post("/rest/servicedeskapi/request/HELP-1/comment", json={"body": f"I read: {ours['body']}"})
    await jira_server.write_note(incident, NOTE.model_copy(update={"body": "It failed again."}))
    (first, second) = await comments(person)
    assert "It failed again." in first["body"]
    assert second["body"].startswith("I read: ")


async def test_an_incident_is_worked_on(
    jira_server: JiraConnector, incident: Reference, person: httpx.AsyncClient
) -> None:
    for to, state in (("acknowledged", IncidentState.ACKNOWLEDGED), ("resolved", IncidentState.RESOLVED)):
        await jira_server.set_state(incident, StateChange.model_validate({"to": to}))
        assert (await jira_server.fetch(incident)).state == state
    await jira_server.set_state(incident, StateChange(to="reassigned", assignee="kim.oncall@example.com"))
    await jira_server.update(incident, Update(priority=1, fields={"Implementation plan": "as * ever"}))
    fields = (await person.get("/rest/api/2/issue/HELP-1")).json()["fields"]
    assert (fields["assignee"]["name"], fields["priority"]["name"]) == ("kim.oncall", "Highest")
    assert fields["customfield_10021"] == r"as \* ever"


async def test_a_change_is_kept_in_wiki_text(jira_server: JiraConnector, person: httpx.AsyncClient) -> None:
    draft = ChangeDraft(
        key="k", type="standard", short_description="Restart", implementation_plan="restart *it*", backout_plan="none"
    )
    change = await jira_server.open(draft)
    assert (await jira_server.open(draft)).id == change.id
    await jira_server.move(change, "implement", Evidence())
    await jira_server.move(change, "closed", Evidence(notes="It answers.", result="successful"))
    fields = (await person.get(f"/rest/api/2/issue/{change.number}")).json()["fields"]
    assert "h3. Implementation plan\nrestart \\*it\\*" in fields["description"]
    assert fields["status"]["name"] == "Completed"


async def test_its_gateway_and_newer_addresses_are_not_asked_for(
    make: Make, server: str, incident: Reference, person: httpx.AsyncClient
) -> None:
    assert (await person.get("/rest/api/3/myself")).status_code == 404
    assert (await make(server, **DATA_CENTER).fetch(incident)).reference.number == "HELP-1"


async def test_a_change_is_approved_by_who_data_center_names_them(jira_server: JiraConnector, person: Any) -> None:
    draft = ChangeDraft(key="k", type="normal", short_description="s", risk="high", implementation_plan="restart *it*")
    change = await jira_server.open(draft)
    assert await jira_server.open(draft) == change
    await jira_server.request(change, Evidence(notes="n"))
    (await person.post(f"/sandbox/request-approval/{change.number}/approve")).raise_for_status()
    standing = await jira_server.standing(change)
    assert (standing.state, standing.approval.state) == ("scheduled", "approved")
    assert standing.approval.accounts == ("change.manager", "change.manager@example.com")
    await jira_server.move(change, "implement", Evidence())


# wiki text


def test_text_is_shown_as_it_is_and_addresses_stay_whole() -> None:
    words = "use *this* [link] {code} C:\\dir at https://example.com/a_b?c=(d)\n- first\n# second"
    assert wiki.plain(words).split("\n") == [
        r"use \*this\* \[link\] \{code\} C:&#92;dir at https://example.com/a_b?c=(d)",
        r"\- first",
        r"\# second",
    ]


def test_a_note_has_its_parts_in_order_and_its_mark_at_the_end() -> None:
    facts = (Fact(label="Runbook", value="restart-web"),)
    text = wiki.render(Note(key="7.status", headline="Mended", facts=facts, body="One.", output="a*b"))
    assert text == (
        "*Mended*\n\n* *Runbook*: restart-web\n\nOne.\n\n{noformat}\na*b\n{noformat}\n\n{anchor:firstline-7.status}"
    )


def test_output_does_not_break_out_of_its_frame() -> None:
    text = wiki.render(Note(key="k", headline="h", output="{noformat}\n!image.png!"))
    assert text.count("{noformat}") == 2


@given(some.text(max_size=50), some.text())
def test_the_key_is_read_back_from_any_note(key: str, body: str) -> None:
    assert wiki.marked(wiki.render(Note(key=key or "k", headline="h", body=body))) == (key or "k")


@pytest.mark.parametrize("character", ["x", "*", "\N{PILE OF POO}"])
def test_a_note_fits_the_limit_after_conversion(character: str) -> None:
    text = wiki.render(Note(key="k", headline="h", body="why", output="first\n" + character * 60_000 + "\nlast"))
    assert LIMIT / 8 < units(text) <= LIMIT
    assert all(part in text for part in ("why", "first", "last", "left out"))
