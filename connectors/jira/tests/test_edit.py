"""Fields, the assignee, required fields of transitions, files."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from firstline.connector import Attachment, StateChange, Update
from firstline.errors import Rejected
from firstline.incident import Reference
from firstline_jira.attachment import key_of, named
from firstline_jira.connector import JiraConnector
from firstline_jira.edition import Cloud
from firstline_jira.value import written

pytestmark = pytest.mark.anyio

Make = Callable[..., JiraConnector]

LOG = Attachment(key="01J9Z/outcome.log", name="firstline-log.txt", content=b"a\r\nb\x00\xff" * 10)


async def fields(site: httpx.AsyncClient, key: str = "HELP-1") -> dict[str, Any]:
    found: dict[str, Any] = (await site.get(f"/rest/api/3/issue/{key}")).json()["fields"]
    return found


async def changelog(site: httpx.AsyncClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await site.get("/rest/api/3/issue/HELP-1/changelog")).json()["values"]
    return found


async def test_priority_and_fields_are_set_by_name_or_id_in_one_edit(
    jira: JiraConnector, site: httpx.AsyncClient, incident: Reference
) -> None:
    update = Update(
        priority=2,
        fields={
            "root CAUSE": "disk full",
            "customfield_10032": "shop",
            "Affected hosts": "3",
            "Labels": "disk, night",
            "Backout plan": "none",
        },
    )
    for _ in range(2):  # the second finds it so
        await jira.update(incident, update)
    found = await fields(site)
    assert found["priority"]["name"] == "High"
    assert (found["customfield_10031"], found["customfield_10032"]) == ("disk full", {"value": "Shop"})
    assert (found["customfield_10034"], found["labels"]) == (3.0, ["disk", "night"])
    assert len(await changelog(site)) == 1


@pytest.mark.parametrize(
    ("update", "words"),
    [
        (Update(fields={"Colour": "red"}), "Root cause"),
        (Update(fields={"Affected service": "Canteen"}), "Shop, Bank"),
        (Update(fields={"Affected hosts": "many"}), "no number"),
        (Update(fields={"Reporter": "sam"}), "Reporter"),
        (Update(status="We are on it."), "no status updates"),
    ],
)
async def test_what_can_not_be_set_is_rejected_with_what_can(
    jira: JiraConnector, incident: Reference, update: Update, words: str
) -> None:
    with pytest.raises(Rejected, match=words):
        await jira.update(incident, update)


async def test_a_write_that_is_taken_and_ignored_is_rejected_by_the_fields_name(
    jira: JiraConnector, site: httpx.AsyncClient, incident: Reference
) -> None:
    await site.put("/sandbox/trouble", json={"read_only": ["customfield_10031", "priority"]})
    with pytest.raises(Rejected, match="kept the old value of Root cause"):
        await jira.update(incident, Update(fields={"Root cause": "disk full", "Labels": "night"}))
    with pytest.raises(Rejected, match="Priority"):
        await jira.set_state(incident, StateChange(to="escalated"))


async def test_a_priority_scheme_of_other_names_is_read_from_the_site(
    jira: JiraConnector, site: httpx.AsyncClient, incident: Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    from firstline_jira.sandbox import workflow

    names = {"1": "Feuer", "2": "Rauch", "3": "Medium", "4": "Funke", "5": "Asche"}
    monkeypatch.setattr(workflow, "PRIORITIES", names)
    await jira.update(incident, Update(priority=2))
    assert (await site.get("/sandbox/state")).json()["issues"][0]["fields"]["priority"]["id"] == "2"


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ({"type": "priority"}, "high", {"name": "high"}),
        ({"type": "array", "items": "component"}, "web, shop", [{"name": "web"}, {"name": "shop"}]),
        ({"type": "user"}, "5b10", {"accountId": "5b10"}),
        ({"type": "date"}, "2026-11-23", "2026-11-23"),
    ],
)
def test_a_value_takes_the_form_of_its_field(kind: dict[str, str], value: str, expected: Any) -> None:
    assert written({"name": "f", "schema": kind}, value, Cloud()) == expected


# the assignee


@pytest.mark.parametrize("who", ["kim.oncall@example.com", "Kim Oncall"])
async def test_an_issue_is_given_to_a_person_once(
    jira: JiraConnector, site: httpx.AsyncClient, incident: Reference, who: str
) -> None:
    for _ in range(2):
        await jira.set_state(incident, StateChange(to="reassigned", assignee=who))
    assert (await fields(site))["assignee"]["displayName"] == "Kim Oncall"
    assert len(await changelog(site)) == 1


async def test_a_name_that_is_not_clear_is_rejected_with_those_it_may_mean(
    jira: JiraConnector, incident: Reference
) -> None:
    with pytest.raises(Rejected, match="Kim Oncall, Kim Oncology"):
        await jira.set_state(incident, StateChange(to="reassigned", assignee="Kim"))
    with pytest.raises(Rejected, match="nobody"):
        await jira.set_state(incident, StateChange(to="reassigned", assignee="Network team"))


async def test_an_assignment_that_is_taken_and_ignored_is_rejected(
    jira: JiraConnector, site: httpx.AsyncClient, incident: Reference
) -> None:
    await site.put("/sandbox/trouble", json={"read_only": ["assignee"]})
    with pytest.raises(Rejected, match="kept the old one"):
        await jira.set_state(incident, StateChange(to="reassigned", assignee="Kim Oncall"))


# transitions with required fields, sites with names of their own


async def test_a_required_field_is_filled_from_the_settings(
    make: Make, address: str, site: httpx.AsyncClient, incident: Reference
) -> None:
    await site.put("/sandbox/trouble", json={"required": {"Resolve": ["customfield_10031", "customfield_10032"]}})
    values = {"Root cause": "see the log", "customfield_10032": "Bank", "Not on this screen": "x"}
    await make(address, transition_fields=values).set_state(incident, StateChange(to="resolved"))
    found = await fields(site)
    assert (found["customfield_10031"], found["status"]["name"]) == ("see the log", "Completed")


async def test_a_required_field_without_a_value_is_named(
    jira: JiraConnector, site: httpx.AsyncClient, incident: Reference
) -> None:
    await site.put("/sandbox/trouble", json={"required": {"Resolve": ["customfield_10031"]}})
    with pytest.raises(Rejected, match=r"requires Root cause, for which transition_fields"):
        await jira.set_state(incident, StateChange(to="resolved"))


async def test_statuses_of_other_names_are_reached_by_their_category(
    jira: JiraConnector, site: httpx.AsyncClient, incident: Reference
) -> None:
    await site.put("/sandbox/trouble", json={"renamed": {"Completed": "Erledigt", "Open": "Offen"}})
    await jira.set_state(incident, StateChange(to="resolved"))
    assert (await fields(site))["status"]["name"] == "Erledigt"


# files


async def test_a_file_is_attached_once_and_read_back_whole_on_both_editions(
    jira: JiraConnector, jira_server: JiraConnector, incident: Reference
) -> None:
    for connector in (jira, jira_server):
        first = await connector.attach(incident, LOG.model_copy(update={"tried": False}))
        again = await connector.attach(incident, LOG)
        assert first == again
        assert (first.kind, first.url.split("/")[-2]) == ("attachment", first.id)
        (found,) = await connector.attached(incident)
        assert (found.key, found.content) == (LOG.key, LOG.content)
        assert found.name.startswith("firstline-log [")


async def test_other_keys_are_other_files_and_others_files_are_shown(
    jira: JiraConnector, site: httpx.AsyncClient, incident: Reference
) -> None:
    for key in ("a", "b"):
        await jira.attach(incident, LOG.model_copy(update={"key": key}))
    await site.post(
        "/rest/api/3/issue/HELP-1/attachments",
        files={"file": ("screen [1].png", b"png", "image/png")},
        headers={"X-Atlassian-Token": "no-check"},
    )
    assert [found.key for found in await jira.attached(incident)][:2] == ["a", "b"]
    assert (await jira.attached(incident))[2].content == b"png"


@pytest.mark.parametrize("key", ["01J9Z.log", "a/b c", "ü=1", "x" * 100, "100%"])
def test_a_key_is_read_back_from_the_files_name(key: str) -> None:
    name = named("../we?ird[1].txt", key)
    assert key_of(name) == key
    assert not set(name) & set('/\\?*:"<>|%')
    assert name.endswith("].txt")
