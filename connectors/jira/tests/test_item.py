"""The configuration item in the field that an operator names, as Jira sends it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from firstline.connector import Window
from firstline.incident import Reference
from firstline_jira import item
from firstline_jira.connector import JiraConnector
from firstline_jira.issue import View
from firstline_jira.settings import JiraSettings

pytestmark = pytest.mark.anyio

FIELD = "customfield_10031"


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("web-3", "web-3"),
        ({"self": "https://e/customFieldOption/1", "id": "1", "value": "web-3"}, "web-3"),
        ([{"id": "1", "name": "web-3"}], "web-3"),
        (["web-3 (CMDB-12)"], "web-3"),
        (["web-3", "web-4"], ""),
        ([{"workspaceId": "f1c7", "id": "f1c7:12", "objectId": "12"}], ""),
        (23, ""),
        (None, ""),
        ([], ""),
    ],
)
def test_a_field_names_one_item_or_none(value: Any, name: str) -> None:
    assert item.name(value) == name


@pytest.mark.parametrize(
    ("body", "field", "name"),
    [
        ("cloud-issue-created-many-fields", "customfield_10073", "1"),
        ("cloud-issue-created-many-fields", "customfield_10071", ""),
        ("issue-updated-components", "customfield_10067", "Mexican"),
        ("issue-created", "", ""),
    ],
)
def test_captured_issues_name_it_in_the_field_that_is_told(contracts: Path, body: str, field: str, name: str) -> None:
    told = {"base_url": "https://e", "user": "u", "api_token": "t", "ci": field}
    issue = json.loads((contracts / "webhooks" / f"{body}.json").read_text())["issue"]
    assert View("jira", JiraSettings.model_validate(told)).incident(issue).ci == name


def test_a_field_is_told_by_its_id() -> None:
    with pytest.raises(ValidationError, match="ci"):
        JiraSettings.model_validate({"base_url": "https://e", "user": "u", "api_token": "t", "ci": "Affected host"})


@pytest.mark.parametrize("way", ["fetched", "polled"])
async def test_it_comes_by_every_way(
    make: Callable[..., JiraConnector], address: str, site: httpx.AsyncClient, incident: Reference, way: str
) -> None:
    (await site.put("/rest/api/3/issue/HELP-1", json={"fields": {FIELD: "web-3"}})).raise_for_status()
    jira = make(address, ci=FIELD)
    if way == "fetched":
        assert (await jira.fetch(incident)).ci == "web-3"
        return
    page = await jira.poll(Window(since=datetime(2020, 1, 1, tzinfo=UTC), by="changed"))
    events = [event for delivery in page.deliveries for event in jira.translate(delivery)]
    assert {event.incident.ci for event in events if event.incident and event.reference == incident} <= {"web-3"}
    assert "web-3" in {event.incident.ci for event in events if event.incident}
