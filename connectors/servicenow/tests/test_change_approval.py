"""Approvals that people give in the instance's own tools: who gave them, and what they let go."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from connectors.servicenow.tests.stage import CI, PASSWORD, USERS

from firstline.connector import ChangeDraft, Evidence
from firstline.errors import Rejected
from firstline.incident import Reference

pytestmark = pytest.mark.anyio

START = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
BETH = {
    "user_name": "beth.anglin",
    "password": "beth.anglin",
    "name": "Beth Anglin",
    "email": "beth@example.com",
    "roles": ["itil", "approver_user"],
}
FRED = {
    "user_name": "fred.luddy",
    "password": "fred.luddy",
    "name": "Fred Luddy",
    "roles": ["itil"],
    "email": "fred@example.com",
}


def draft(**more: Any) -> ChangeDraft:
    given = {"key": "rem-1", "type": "normal", "short_description": "Restart the shop", "ci": CI, "tried": False}
    return ChangeDraft.model_validate(
        given | {"planned_start": START, "planned_end": START + timedelta(hours=1)} | more
    )


async def ask(connector: Any, **more: Any) -> Reference:
    reference: Reference = await connector.open(draft(**more))
    await connector.request(reference, Evidence(notes="Please look."))
    return reference


def answer(address: str, who: str, change: Reference, password: str = "", **body: str) -> httpx.Response:
    """By the vendor's own interface, as this person."""
    path = f"{address}/api/sn_chg_rest/change/{change.id}/approvals"
    return httpx.patch(path, json=body, auth=(who, password or who), trust_env=False, verify=False)


async def test_who_approved_is_told_by_name_and_by_each_account(connect: Any, start: Any) -> None:
    address = start(users=[*USERS, BETH])
    connector = connect(address)
    opened = await ask(connector)
    waiting = (await connector.standing(opened)).approval
    assert (waiting.state, set(waiting.by), waiting.accounts) == ("waiting", {"David Loo", "Beth Anglin"}, ())
    assert answer(address, "beth.anglin", opened, state="approved", comments="Go.").is_success
    approval = (await connector.standing(opened)).approval
    assert (approval.state, approval.by, approval.comment) == ("approved", ("Beth Anglin",), "Go.")
    assert approval.accounts[:2] == ("beth.anglin", "beth@example.com")
    assert len(approval.accounts[2]) == 32


async def test_a_change_that_nobody_is_asked_about_says_so(connect: Any, start: Any) -> None:
    connector = connect(start(users=USERS[:2]))
    approval = (await connector.standing(await ask(connector))).approval
    assert (approval.state, approval.by) == ("waiting", ())
    assert "has no approver" in approval.comment


async def test_where_two_have_to_approve_one_is_not_enough(connect: Any, start: Any) -> None:
    address = start(users=[*USERS, BETH], rules={"quorum": 2})
    connector = connect(address)
    opened = await ask(connector)
    answer(address, "beth.anglin", opened, state="approved")
    waiting = (await connector.standing(opened)).approval
    assert (waiting.state, waiting.by) == ("waiting", ("David Loo",))
    answer(address, "david.loo", opened, state="approved")
    approval = (await connector.standing(opened)).approval
    assert {"beth.anglin", "david.loo"} <= set(approval.accounts)


async def test_a_delegate_who_answers_is_the_one_who_decided(connect: Any, start: Any, person: Any) -> None:
    address = start(users=[*USERS, FRED])
    people = (await person.get("/sandbox/state")).json()["tables"]["sys_user"]
    ids = {row["user_name"]: row["sys_id"] for row in people}
    delegate = {"user": ids["david.loo"], "delegate": ids["fred.luddy"]}
    await person.post("/api/now/table/sys_user_delegate", json=delegate)
    connector = connect(address)
    opened = await ask(connector)
    row = (await person.get(f"/api/now/table/sysapproval_approver?sysapproval={opened.id}")).json()["result"][0]
    path = f"/api/now/table/sysapproval_approver/{row['sys_id']}"
    given = await person.patch(path, json={"state": "approved"}, auth=("fred.luddy", "fred.luddy"))
    assert given.is_success
    approval = (await connector.standing(opened)).approval
    assert approval.by == ("Fred Luddy for David Loo",)
    assert approval.accounts == ("fred.luddy", "fred@example.com", ids["fred.luddy"])


@pytest.mark.parametrize(("who", "password"), [("firstline", PASSWORD), ("fred.luddy", "fred.luddy")])
async def test_nobody_approves_who_was_not_asked(connect: Any, start: Any, who: str, password: str) -> None:
    address = start(users=[*USERS, FRED])
    connector = connect(address)
    opened = await ask(connector)
    assert answer(address, who, opened, password, state="approved").status_code == 403
    assert (await connector.standing(opened)).approval.state == "waiting"


async def test_our_account_is_not_asked_about_its_own_change_even_with_the_role(connect: Any, start: Any) -> None:
    ours = {**USERS[1], "roles": ["itil", "approver_user"]}
    address = start(users=[USERS[0], ours, USERS[2]])
    connector = connect(address)
    opened = await ask(connector)
    assert (await connector.standing(opened)).approval.by == ("David Loo",)
    assert answer(address, "firstline", opened, PASSWORD, state="approved").status_code == 403


async def test_our_account_is_named_where_an_administrator_approved_with_it(
    connect: Any, start: Any, person: Any
) -> None:
    """As the requester of such a change is another, the instance asks us; the hub refuses what it then reads."""
    ours = {**USERS[1], "roles": ["itil", "approver_user"]}
    address = start(users=[USERS[0], ours])
    foreign = {"correlation_id": "rem-1", "short_description": "x"}
    made = await person.post("/api/sn_chg_rest/change/normal", json=foreign)
    change = made.json()["result"][0]
    connector = connect(address)
    opened = await connector.open(draft(tried=True))
    assert opened.id == change["sys_id"]["value"]
    await connector.request(opened, Evidence())
    answer(address, "firstline", opened, PASSWORD, state="approved")
    assert "firstline" in (await connector.standing(opened)).approval.accounts


async def test_a_decision_whose_rows_are_hidden_is_not_taken_for_one_by_nobody(connect: Any, start: Any) -> None:
    address = start(rules={"hidden": {"sysapproval_approver": "state=approved"}})
    connector = connect(address)
    opened = await ask(connector)
    assert (await connector.standing(opened)).approval.state == "waiting"
    answer(address, "david.loo", opened, state="approved")
    with pytest.raises(Rejected, match="let the account read"):
        await connector.standing(opened)


async def test_a_refusal_without_a_reason_is_not_taken_by_the_instance(connect: Any, address: str) -> None:
    opened = await ask(connect(address))
    assert answer(address, "david.loo", opened, state="rejected").status_code == 400
    assert answer(address, "david.loo", opened, state="rejected", comments="Not today.").is_success


async def test_a_person_approves_with_the_buttons_of_the_page(connect: Any, address: str, person: Any) -> None:
    connector = connect(address)
    opened = await ask(connector)
    page = (await person.get("/")).text
    assert f'formaction="/sandbox/change/{opened.number}/approve"' in page
    assert "<option>david.loo</option>" in page
    form = {"by": "david.loo", "comment": "Looks well."}
    sent = await person.post(f"/sandbox/change/{opened.number}/approve", data=form)
    assert (sent.status_code, sent.headers["location"]) == (303, f"/#{opened.id}")
    approval = (await connector.standing(opened)).approval
    assert (approval.state, approval.comment) == ("approved", "Looks well.")
    assert "/approve" not in (await person.get("/")).text


async def test_a_person_moves_the_planned_times_with_the_form_of_the_page(
    connect: Any, address: str, person: Any
) -> None:
    connector = connect(address)
    opened = await ask(connector)
    form = {"start_date": "2026-11-24T03:00:00", "end_date": "2026-11-24 04:00:00"}
    await person.post(f"/sandbox/change/{opened.number}/plan", data=form)
    standing = await connector.standing(opened)
    assert standing.planned_start == START + timedelta(hours=25)
    assert standing.planned_end == START + timedelta(hours=26)


async def test_an_approval_that_was_taken_back_is_asked_for_anew(connect: Any, address: str, person: Any) -> None:
    connector = connect(address)
    opened = await ask(connector)
    await person.patch(f"/api/sn_chg_rest/change/{opened.id}", json={"state": "-5"})
    back = await connector.standing(opened)
    assert (back.state, back.approval.state, back.approval.by) == ("new", "waiting", ())
    await connector.request(opened, Evidence())
    again = await connector.standing(opened)
    assert (again.state, again.approval.by) == ("assess", ("David Loo",))


async def test_an_account_that_could_approve_does_not_whatever_the_hub_asks_of_it(
    connect: Any, start: Any, person: Any
) -> None:
    ours = {**USERS[1], "roles": ["itil", "approver_user", "admin"]}
    connector = connect(start(users=[USERS[0], ours]))
    await person.post("/api/sn_chg_rest/change/normal", json={"correlation_id": "rem-1", "short_description": "x"})
    opened = await connector.open(draft(tried=True))
    await connector.request(opened, Evidence(notes="Please look."))
    for state in ("authorize", "scheduled", "implement", "closed"):
        with pytest.raises(Rejected, match="waits for approval"):
            await connector.move(opened, state, Evidence(notes="n", result="successful"))
    standing = await connector.standing(opened)
    assert (standing.state, standing.approval.state) == ("assess", "waiting")
    assert (standing.approval.by, standing.approval.accounts) == (("Firstline",), ())
