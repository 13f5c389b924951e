"""Changes in a tenant's own workflow: other statuses, other approvers, an emergency that may run first."""

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from connectors.jira.tests.inside import HUB
from starlette.responses import JSONResponse

from firstline.connector import Approval, ChangeDraft, Evidence, SandboxSettings
from firstline.errors import Rejected, Unavailable
from firstline.incident import Reference
from firstline.testing.loopback import serve
from firstline_jira.connector import JiraConnector
from firstline_jira.sandbox import create_app
from firstline_jira.sandbox.record import Person

pytestmark = pytest.mark.anyio

BEGINS = Evidence(notes="Firstline begins.")
BOARD = ("ada.board@example.com", "change.manager@example.com")
EMERGENCY = ChangeDraft(key="e", type="emergency", short_description="Restart the shop")
NORMAL = ChangeDraft(key="n", type="normal", short_description="Restart the shop", risk="moderate")

# Two who must approve, the hub's own account among those who could; an emergency goes first and is asked about after.
OWN = {
    "statuses": {
        "Draft": "new",
        "In CAB": "indeterminate",
        "Go": "indeterminate",
        "Doing": "indeterminate",
        "After the fact": "indeterminate",
        "Finished": "done",
        "Turned down": "done",
    },
    "transitions": [
        {"name": "Submit", "from": ["Draft"], "to": "In CAB", "only": ["Normal"]},
        {"name": "Fire alarm", "from": ["Draft"], "to": "Doing", "only": ["Emergency"]},
        {"name": "Begin", "from": ["Go"], "to": "Doing"},
        {"name": "Account for it", "from": ["Doing"], "to": "After the fact", "only": ["Emergency"]},
        {"name": "Finish", "from": ["Doing"], "to": "Finished", "screen": True, "only": ["Normal"]},
        {"name": "Back to draft", "from": ["Go"], "to": "Draft"},
    ],
    "gates": {
        "In CAB": {"approved": "Go", "declined": "Draft", "approvers": [*BOARD, "hub@example.com"], "needed": 2},
        "After the fact": {"approved": "Finished", "declined": "Turned down", "approvers": [*BOARD]},
    },
}
STATUSES = {
    "Draft": "new", "In CAB": "authorize", "Go": "scheduled", "Doing": "implement", "After the fact": "authorize",
    "Finished": "closed", "Turned down": "canceled",
}  # fmt: skip


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    with serve(create_app(SandboxSettings(seed={"workflow": OWN}))) as address:
        yield address


@pytest.fixture
def jira(make: Callable[..., JiraConnector], address: str) -> JiraConnector:
    return make(address, change={"project": "HELP", "statuses": STATUSES})


@pytest.fixture
async def answer(address: str) -> AsyncIterator[Callable[..., Any]]:
    """`await answer(who, change, decision)` answers over Jira's API; the status of the answer."""
    async with httpx.AsyncClient(base_url=address, trust_env=False) as http:

        async def say(who: str, change: Reference, decision: str = "approve") -> int:
            auth, path = (who, "sandbox-token"), f"/rest/servicedeskapi/request/{change.id}/approval"
            last = (await http.get(path, auth=auth)).json()["values"][-1]["id"]
            return (await http.post(f"{path}/{last}", auth=auth, json={"decision": decision})).status_code

        yield say


async def test_a_change_waits_until_as_many_as_are_needed_have_approved(jira: JiraConnector, answer: Any) -> None:
    change = await jira.open(NORMAL)
    await jira.request(change, BEGINS)
    assert (await jira.standing(change)).approval == Approval(state="waiting", by=("Ada Board", "Change Manager"))
    assert await answer(BOARD[0], change) == 200
    waiting = await jira.standing(change)
    assert waiting.approval == Approval(state="waiting", by=("Change Manager",))
    assert await answer(BOARD[1], change) == 200
    standing = await jira.standing(change)
    assert (standing.state, standing.approval.state) == ("scheduled", "approved")
    assert {Person(who).account_id for who in BOARD} < {*standing.approval.accounts}
    await jira.move(change, "implement", BEGINS)
    await jira.move(change, "closed", Evidence(result="successful"))
    assert (await jira.standing(change)).state == "closed"


async def test_nobody_approves_their_own_change_nor_twice_nor_without_being_asked(
    jira: JiraConnector, answer: Any
) -> None:
    change = await jira.open(NORMAL)
    await jira.request(change, BEGINS)
    assert await answer("hub@example.com", change) == 403
    assert await answer("sam.agent@example.com", change) == 403
    assert [await answer(BOARD[0], change) for _ in range(2)] == [200, 400]


async def test_an_approval_does_not_outlast_the_return_to_planning(
    jira: JiraConnector, answer: Any, site: httpx.AsyncClient
) -> None:
    change = await jira.open(NORMAL)
    await jira.request(change, BEGINS)
    for who in BOARD:
        await answer(who, change)
    path = f"/rest/api/3/issue/{change.id}/transitions"
    (back,) = [t for t in (await site.get(path)).json()["transitions"] if t["name"] == "Back to draft"]
    await site.post(path, json={"transition": {"id": back["id"]}})
    assert (await jira.standing(change)).approval == Approval(state="waiting")
    await jira.request(change, BEGINS)
    assert (await jira.standing(change)).approval.by == ("Ada Board", "Change Manager")


async def test_a_refusal_that_leads_back_to_planning_stays_one(jira: JiraConnector, answer: Any) -> None:
    change = await jira.open(NORMAL)
    await jira.request(change, BEGINS)
    await answer(BOARD[0], change, "decline")
    standing = await jira.standing(change)
    assert (standing.state, standing.approval.state, standing.approval.by) == ("new", "refused", ("Ada Board",))
    with pytest.raises(Rejected, match="not approved"):
        await jira.move(change, "implement", BEGINS)


async def test_an_emergency_runs_first_and_its_approval_is_followed_to_its_end(
    jira: JiraConnector, answer: Any
) -> None:
    change = await jira.open(EMERGENCY)
    await jira.move(change, "implement", BEGINS)
    standing = await jira.standing(change)
    assert (standing.state, standing.approval) == ("implement", Approval(state="waiting"))
    with pytest.raises(Rejected, match="not approved"):
        await jira.move(change, "closed", Evidence(result="successful"))
    for _ in range(2):
        await jira.request(change, Evidence(notes="It ran, and the shop answers."))
    assert (await jira.standing(change)).approval.state == "waiting"
    with pytest.raises(Rejected, match="not approved"):
        await jira.move(change, "closed", Evidence(result="successful"))
    await answer(BOARD[1], change)
    standing = await jira.standing(change)
    assert (standing.state, standing.approval.state, standing.approval.by) == (
        "closed",
        "approved",
        ("Change Manager",),
    )
    await jira.move(change, "closed", Evidence(result="successful"))


async def test_a_normal_change_is_not_let_through_as_an_emergency_is(jira: JiraConnector) -> None:
    change = await jira.open(NORMAL)
    with pytest.raises(Rejected, match="not approved"):
        await jira.move(change, "implement", BEGINS)
    assert (await jira.standing(change)).state == "new"


async def test_a_type_that_the_change_manager_set_anew_counts(jira: JiraConnector, site: httpx.AsyncClient) -> None:
    change = await jira.open(EMERGENCY)
    await site.put(f"/rest/api/3/issue/{change.id}", json={"fields": {"customfield_10020": {"value": "Normal"}}})
    with pytest.raises(Rejected, match="not approved"):
        await jira.move(change, "implement", BEGINS)


async def test_a_transition_that_is_taken_and_moves_nothing_is_rejected_by_its_name(
    jira: JiraConnector, site: httpx.AsyncClient
) -> None:
    await site.put("/sandbox/trouble", json={"inert": ["Submit", "Fire alarm"]})
    change = await jira.open(NORMAL)
    with pytest.raises(Rejected, match="'Submit', but the change HELP-1 is still 'Draft'"):
        await jira.request(change, BEGINS)
    emergency = await jira.open(EMERGENCY)
    with pytest.raises(Rejected, match="'Fire alarm', but the change HELP-2 is still 'Draft'"):
        await jira.move(emergency, "implement", BEGINS)


async def test_statuses_that_nobody_explained_ask_nobody_and_let_nothing_run(
    make: Callable[..., JiraConnector], address: str
) -> None:
    jira = make(address)
    change = await jira.open(NORMAL)
    with pytest.raises(Rejected, match=r"change\.statuses"):
        await jira.request(change, BEGINS)


async def test_what_asks_is_named_in_the_settings(make: Callable[..., JiraConnector], address: str) -> None:
    settings = {"project": "HELP", "statuses": STATUSES}
    wrong = make(address, change=settings | {"asks": {"normal": "Peer review"}})
    change = await wrong.open(NORMAL)
    with pytest.raises(Rejected, match=r"'Peer review', which change\.asks names"):
        await wrong.request(change, BEGINS)
    right = make(address, change=settings | {"asks": {"normal": "in cab"}})
    await right.request(change, BEGINS)
    assert (await right.standing(change)).state == "authorize"


async def test_without_approvals_who_moved_it_on_has_decided(
    make: Callable[..., JiraConnector], address: str, answer: Any
) -> None:
    plain = make(address, change={"project": "HELP", "statuses": STATUSES, "issue_type": "[System] Change"})
    desk = make(address, change={"project": "HELP", "statuses": STATUSES})
    change = await desk.open(NORMAL)
    assert (await plain.standing(change)).approval == Approval(state="waiting")
    await plain.request(change, BEGINS)
    assert (await plain.standing(change)).approval == Approval(state="waiting")
    for who in BOARD:
        await answer(who, change)
    approval = (await plain.standing(change)).approval
    assert (approval.state, approval.by) == ("approved", ("Change Manager",))
    assert approval.accounts == (Person(BOARD[1]).account_id, BOARD[1])


async def test_planned_times_of_a_site_without_such_fields_are_those_we_planned(
    make: Callable[..., JiraConnector], address: str
) -> None:
    jira = make(address, change={"project": "HELP", "statuses": STATUSES})
    start = datetime(2026, 11, 23, 9, tzinfo=UTC)
    change = await jira.open(NORMAL.model_copy(update={"planned_start": start}))
    desk = await jira._register().desk()
    fewer = tuple(field for field in desk.fields if field["name"] not in ("Planned start", "Planned end"))
    jira._register()._desk = type(desk)(**{**vars(desk), "fields": fewer})
    assert (await jira.standing(change)).planned_start == start


async def test_who_moved_a_change_on_past_its_approval_is_named_as_who_decided(
    make: Callable[..., JiraConnector], address: str, site: httpx.AsyncClient
) -> None:
    hub = make(address, change={"project": "HELP", "statuses": STATUSES})
    change = await hub.open(NORMAL)
    path = f"/rest/api/3/issue/{change.id}"
    await site.put(path, json={"fields": {"customfield_10020": {"value": "Emergency"}}})
    (alarm,) = [t for t in (await site.get(f"{path}/transitions")).json()["transitions"] if t["name"] == "Fire alarm"]
    await site.post(f"{path}/transitions", json={"transition": {"id": alarm["id"]}})
    await site.put(path, json={"fields": {"customfield_10020": {"value": "Normal"}}})
    standing = await hub.standing(change)
    assert (standing.state, standing.approval.by) == ("implement", ("Sam Agent",))
    assert "sam.agent@example.com" in standing.approval.accounts


async def test_an_emergency_that_we_moved_on_and_nobody_can_be_asked_about_was_approved_by_nobody(
    make: Callable[..., JiraConnector], address: str
) -> None:
    jira = make(address, change={"project": "HELP", "statuses": STATUSES | {"After the fact": "review"}})
    change = await jira.open(EMERGENCY)
    await jira.move(change, "implement", BEGINS)
    assert (await jira.standing(change)).approval == Approval(state="not_required")


PRE_APPROVED = {"transition": {"id": "31"}}
APPROVED: dict[str, Any] = {"finalDecision": "approved"}


@pytest.mark.parametrize(
    "wrong",
    [{"approvers": "ada"}, {"approvers": [{"approver": 7, "approverDecision": "approved"}]}, {"createdDate": "today"}],
)
async def test_approvals_of_another_shape_than_documented_are_asked_for_again_later(
    make: Callable[..., JiraConnector], loopback: Callable[[Any], str], wrong: dict[str, Any]
) -> None:
    sandbox = create_app(SandboxSettings(seed={}))

    async def odd(scope: Any, receive: Any, send: Any) -> None:
        odd_one = str(scope.get("path", "")).endswith("/approval")
        answer = JSONResponse({"isLastPage": True, "values": [APPROVED | wrong]})
        await (answer if odd_one else sandbox)(scope, receive, send)

    jira = make(loopback(odd))
    change = await jira.open(ChangeDraft(key="s", type="standard", short_description="s"))
    sandbox.state.sandbox.actions.transition(HUB, sandbox.state.sandbox.actions.records.find(change.id), PRE_APPROVED)
    with pytest.raises(Unavailable, match="not what it documents"):
        await jira.standing(change)
