"""Four eyes: whoever asked for it, or wrote it, does not let it go; neither does anybody for them."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import BaseModel
from tests.integration.approval.conftest import Office, planned

from firstline.access import Right
from firstline.connector import Approval
from firstline.incident import Incident, Reference
from firstline.ledger.entry import HUB
from firstline.remediation import eyes
from firstline.remediation.approval import NotCounted, Standing, electors, find
from firstline.store.table import now

ANN: dict[str, Any] = {"email": "Ann@Example.com", "accounts": {"servicenow": "ann.k"}}


@pytest.mark.parametrize(
    "asked",
    [
        {"incident": {"caller": "ann.k"}},
        {"incident": {"data": {"sys_created_by": "ANN.K"}}},
        {"incident": {"data": {"caller_id": {"value": "6816", "display_value": "ann@example.com"}}}},
        {"incident": {"data": {"fields": {"reporter": {"accountId": "ann.k"}}}}},
        {"actor": "ann.k"},
    ],
)
def test_who_asked_for_it_does_not_count(office: Office, asked: dict[str, Any]) -> None:
    office.person("ann", **ANN)
    with pytest.raises(NotCounted, match="ann asked for it"):
        office.answer(office.ask(**asked), "ann")


def test_an_account_elsewhere_is_another_persons(office: Office) -> None:
    office.person("ann", accounts={"jira": "keller"})
    assert office.answer(office.ask(incident={"caller": "keller"}), "ann").state == "approved"


@pytest.mark.parametrize("author", ["ann", "ann@example.com", "ann.k"])
def test_an_author_of_the_runbook_does_not_count(office: Office, author: str) -> None:
    office.person("ann", **ANN)
    with pytest.raises(NotCounted, match="ann is an author of the runbook"):
        office.answer(office.ask(runbook={"authors": ("bo", author)}), "ann")


def test_who_edited_the_runbook_last_does_not_count(office: Office) -> None:
    office.person("ann", **ANN)
    with pytest.raises(NotCounted, match="ann edited the runbook last"):
        office.answer(office.ask(editors=("ann@example.com",)), "ann")


def test_the_hub_never_approves_what_it_does_itself(office: Office) -> None:
    incident = Incident(reference=Reference(connection="servicenow", kind="incident", id="1"))
    why = office.database.read_now(lambda c: eyes.excluded(c, planned(), incident, HUB))
    assert "the hub never approves" in why


def test_a_delegate_answers_in_the_name_of_who_delegated(office: Office) -> None:
    office.person("ann", groups=("sre-core",))
    office.person("bo", Right.SEE)
    office.delegate("ann", "bo")
    asked = office.ask("sre-core")
    assert office.answer(asked, "bo") == Standing("approved", 1, 1)
    assert office.votes(asked) == [("ann", "bo", "approved")]
    assert office.remediation(asked)["approved_by"] == "bo for ann"
    (told,) = office.told(asked, "approved")
    assert (told["by"], told["facts"]["in the name of"]) == ("bo", "ann")


def test_nobody_counts_twice_by_delegation(office: Office) -> None:
    for name in ("ann", "bo", "cy"):
        office.person(name)
    office.delegate("ann", "bo")
    office.delegate("ann", "cy")
    office.delegate("bo", "cy")
    asked = office.ask(count=3)
    office.answer(asked, "bo")
    with pytest.raises(NotCounted, match="bo has answered already"):
        office.answer(asked, "bo", giver="ann")
    office.answer(asked, "cy", giver="ann")
    for name, giver in (("ann", ""), ("cy", ""), ("cy", "bo")):
        standing = _answer(office, asked, name, giver)
        assert standing is None or standing.approved == 2
    assert office.remediation(asked)["stage"] == "waiting"


def test_four_eyes_hold_for_the_delegate_and_for_who_delegated(office: Office) -> None:
    for name in ("ann", "bo", "cy"):
        office.person(name)
    office.delegate("ann", "bo")
    office.delegate("cy", "ann")
    asked = office.ask(runbook={"authors": ("ann",)})
    with pytest.raises(NotCounted, match="ann is an author"):
        office.answer(asked, "bo", giver="ann")
    with pytest.raises(NotCounted, match="ann is an author"):
        office.answer(asked, "ann", giver="cy")
    assert office.votes(asked) == []


def test_a_delegation_that_is_over_or_was_never_given_is_none(office: Office) -> None:
    for name in ("ann", "bo"):
        office.person(name)
    office.delegate("ann", "bo")
    asked = office.ask("ann", expires=10 * 24 * 3600)
    with pytest.raises(NotCounted, match="ann has not delegated to bo"):
        office.answer(asked, "bo", giver="ann", moment=_in_a_day())
    with pytest.raises(NotCounted, match="bo has not delegated to ann"):
        office.answer(asked, "ann", giver="bo")


def test_who_may_answer_is_told_without_those_who_do_not_count(office: Office) -> None:
    for name in ("ann", "bo", "cy"):
        office.person(name)
    office.person("di", Right.SEE)
    asked = office.ask("ann", "bo", "di", runbook={"authors": ("bo",)})
    question = office.database.read_now(lambda c: find(c, asked))
    assert question is not None
    assert office.database.read_now(lambda c: electors(c, question)) == ["ann"]


@pytest.mark.parametrize(
    ("by", "accounts", "why"),
    [
        (("Ann",), ("ann.k", "6816f79c"), "ann asked for it"),
        (("Bo",), ("bo.l", "bo@example.com"), ""),
        (("Ann", "Bo"), ("ann.k", "6816f79c", "bo.l"), ""),
        (("Ann", "Writer"), ("ann.k", "6816f79c", "writer@example.com"), "is an author"),
        (("writer@example.com",), (), "is an author"),
    ],
)
def test_a_changes_own_approval_counts_when_somebody_who_gave_it_does(
    office: Office, by: tuple[str, ...], accounts: tuple[str, ...], why: str
) -> None:
    office.person("ann", **ANN)
    office.person("bo", accounts={"servicenow": "bo.l"})
    plan = planned(runbook={"authors": ("writer@example.com",)})
    incident = Incident(reference=Reference(connection="servicenow", kind="incident", id="1"), caller="ann.k")
    given = Approval(state="approved", by=by, accounts=accounts)
    found = office.database.read_now(lambda c: eyes.uncounted(c, plan, incident, "servicenow", given))
    assert why in found
    assert bool(found) == bool(why)


@pytest.mark.parametrize(
    ("by", "accounts", "counts"),
    [(("Hub",), ("Firstline", "6816f79c"), False), (("Hub", "Bo"), ("firstline", "6816f79c", "bo.l"), True)],
)
def test_the_hubs_own_account_never_approves_a_change(
    office: Office, by: tuple[str, ...], accounts: tuple[str, ...], counts: bool
) -> None:
    incident = Incident(reference=Reference(connection="servicenow", kind="incident", id="1"))
    given = Approval(state="approved", by=by, accounts=accounts)
    own = eyes.own_accounts(SignIn(user="firstline", password="x"))
    assert own == {"firstline"}
    why = office.database.read_now(lambda c: eyes.uncounted(c, planned(), incident, "servicenow", given, own=own))
    assert ("the hub never approves" in why) != counts


class SignIn(BaseModel):
    user: str
    password: str


def _answer(office: Office, asked: str, name: str, giver: str) -> Standing | None:
    try:
        return office.answer(asked, name, giver=giver)
    except NotCounted:
        return None


def _in_a_day() -> datetime:
    return now() + timedelta(days=1)
