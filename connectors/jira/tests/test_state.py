from collections.abc import Callable
from typing import Any, Literal

import httpx
import pytest

from firstline.connector import StateChange
from firstline.errors import Rejected
from firstline.incident import IncidentState, Reference
from firstline_jira.connector import JiraConnector
from firstline_jira.edition import Cloud
from firstline_jira.transition import choose, details

pytestmark = pytest.mark.anyio

Goal = Literal["acknowledged", "resolved", "reopened"]


def way(name: str, to: str, category: str, **more: Any) -> dict[str, Any]:
    return {"id": "1", "name": name, "to": {"name": to, "statusCategory": {"key": category}}} | more


@pytest.mark.parametrize(
    ("goal", "offered", "chosen"),
    [
        ("resolved", [("Cancel", "Canceled", "done"), ("Resolve", "Resolved", "done")], "Resolve"),
        ("resolved", [("Close", "Closed", "done"), ("Resolve", "Completed", "done")], "Resolve"),
        ("resolved", [("Erledigt", "Erledigt", "done"), ("Start", "Doing", "indeterminate")], "Erledigt"),
        ("acknowledged", [("Pending", "Pending", "indeterminate"), ("Go", "In Progress", "indeterminate")], "Go"),
        ("reopened", [("Work", "Doing", "indeterminate"), ("Back to open", "Open", "new")], "Back to open"),
        ("reopened", [("Respond", "Doing", "indeterminate")], "Respond"),
    ],
)
def test_the_transition_is_chosen_by_category_and_name(goal: Goal, offered: list[Any], chosen: str) -> None:
    assert choose([way(*row) for row in offered], goal)["name"] == chosen


def test_a_transition_the_operator_named_is_taken() -> None:
    offered = [way("Resolve", "Resolved", "done"), way("Fixed by robot", "Robot", "done")]
    assert choose(offered, "resolved", "fixed by robot")["name"] == "Fixed by robot"


def test_where_no_transition_leads_there_those_offered_are_said() -> None:
    with pytest.raises(Rejected, match=r"Cancel \(to Canceled\)"):
        choose([way("Cancel", "Canceled", "done")], "resolved")


def test_a_resolution_is_one_that_the_screen_lists() -> None:
    field = {"resolution": {"required": True, "allowedValues": [{"name": "Fixed"}, {"name": "Won't Do"}]}}
    request = details(way("Resolve", "Resolved", "done", fields=field), "why", "Done", {}, Cloud())
    assert request["fields"] == {"resolution": {"name": "Fixed"}}
    assert request["historyMetadata"]["description"] == "why"


async def test_an_incident_is_resolved_with_a_resolution(
    jira: JiraConnector, site: httpx.AsyncClient, incident: Reference
) -> None:
    await jira.set_state(incident, StateChange(to="resolved", reason="It answers."))
    fields = (await site.get("/rest/api/3/issue/10001")).json()["fields"]
    assert fields["status"]["name"] == "Completed"
    assert fields["resolution"]["name"] == "Done"


@pytest.mark.parametrize("to", ["acknowledged", "resolved", "escalated"])
async def test_what_is_there_already_is_not_written_again(
    jira: JiraConnector, site: httpx.AsyncClient, incident: Reference, to: Any
) -> None:
    await jira.set_state(incident, StateChange(to=to))
    before = (await site.get("/rest/api/3/issue/10001")).json()
    await jira.set_state(incident, StateChange(to=to))
    assert (await site.get("/rest/api/3/issue/10001")).json() == before


async def test_a_resolved_incident_is_reopened(jira: JiraConnector, incident: Reference) -> None:
    await jira.set_state(incident, StateChange(to="resolved"))
    await jira.set_state(incident, StateChange(to="reopened"))
    assert (await jira.fetch(incident)).state == IncidentState.OPEN


async def test_a_resolved_incident_is_not_acknowledged(jira: JiraConnector, incident: Reference) -> None:
    await jira.set_state(incident, StateChange(to="resolved"))
    with pytest.raises(Rejected, match="would reopen it"):
        await jira.set_state(incident, StateChange(to="acknowledged"))


async def test_escalating_raises_the_priority_by_one_step(jira: JiraConnector, incident: Reference) -> None:
    assert (await jira.fetch(incident)).priority == 3
    await jira.set_state(incident, StateChange(to="escalated"))
    assert (await jira.fetch(incident)).priority == 2


async def test_escalating_goes_on_after_somebody_changed_the_priority(
    jira: JiraConnector, site: httpx.AsyncClient, incident: Reference
) -> None:
    await jira.set_state(incident, StateChange(to="escalated"))
    await site.put("/rest/api/3/issue/10001", json={"fields": {"priority": {"name": "Low"}}})
    await jira.set_state(incident, StateChange(to="escalated"))
    assert (await jira.fetch(incident)).priority == 3


async def test_nothing_is_above_the_highest(jira: JiraConnector, site: httpx.AsyncClient, incident: Reference) -> None:
    await site.put("/rest/api/3/issue/10001", json={"fields": {"priority": {"name": "Highest"}}})
    await jira.set_state(incident, StateChange(to="escalated"))
    assert (await jira.fetch(incident)).priority == 1


async def test_a_refused_transition_is_rejected_with_its_name_and_the_likely_rule(
    make: Callable[..., JiraConnector], loopback: Callable[[Any], str], incident: Reference
) -> None:
    jira = make(loopback(stubborn(400)), own_account_id="5b")
    with pytest.raises(Rejected, match=r"'Resolve'.*its screen requires Root cause.*A validator says no"):
        await jira.set_state(incident, StateChange(to="resolved"))


async def test_a_transition_that_moves_nothing_is_rejected(
    make: Callable[..., JiraConnector], loopback: Callable[[Any], str], incident: Reference
) -> None:
    jira = make(loopback(stubborn(204)), own_account_id="5b")
    with pytest.raises(Rejected, match="'Resolve', but the issue is 'Open'"):
        await jira.set_state(incident, StateChange(to="resolved"))


def stubborn(status: int) -> Any:
    """A Jira whose workflow answers a transition with this status and never moves."""
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route

    fields = {"status": {"name": "Open", "statusCategory": {"key": "new"}}}
    root_cause = {"customfield_1": {"name": "Root cause", "required": True}}

    async def issue(_: Request) -> Response:
        return JSONResponse({"id": "10001", "key": "HELP-1", "fields": fields})

    async def transitions(request: Request) -> Response:
        if request.method == "POST":
            words = {"errorMessages": ["A validator says no"], "errors": {}}
            return JSONResponse(words, status) if status >= 400 else Response(status_code=status)
        return JSONResponse({"transitions": [way("Resolve", "Resolved", "done", fields=root_cause)]})

    return Starlette(
        routes=[
            Route("/rest/api/3/issue/10001", issue),
            Route("/rest/api/3/issue/10001/transitions", transitions, methods=["GET", "POST"]),
        ]
    )
