"""Whatever people answer, in whose name and in which order: nothing is let go without enough different eyes."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.integration.approval.conftest import Office

from firstline.access import Right
from firstline.errors import Rejected
from firstline.remediation.approval import NotCounted

PEOPLE = ("ann", "bo", "cy", "di", "ed")
ABLE = {"ann", "bo", "cy", "di"}
DELEGATIONS = {("ann", "bo"), ("bo", "ed"), ("di", "ann"), ("cy", "di")}  # giver, taker

names = st.sampled_from(PEOPLE)
verdicts = st.sampled_from(["approved", "approved", "approved", "refused"])
answers = st.lists(st.tuples(names, st.sampled_from(["", *PEOPLE]), verdicts), max_size=8)


def people(office: Office) -> None:
    if "ann" not in {row["name"] for row in office.people()}:
        for name in PEOPLE:
            office.person(name, Right.SEE, *([Right.APPROVE] if name in ABLE else []))
        for giver, taker in DELEGATIONS:
            office.delegate(giver, taker)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(count=st.integers(1, 3), author=st.sampled_from(["", *PEOPLE]), given_=answers)
def test_nothing_is_let_go_without_enough_different_people_who_count(
    office: Office, count: int, author: str, given_: list[tuple[str, str, Any]]
) -> None:
    people(office)
    asked = office.ask(count=count, runbook={"authors": (author,) if author else ()})
    for name, giver, verdict in given_:
        try:
            office.answer(asked, name, verdict, giver=giver)
        except (NotCounted, Rejected):
            continue
    votes, stage = office.votes(asked), office.remediation(asked)["stage"]
    approved = [(person, by) for person, by, verdict in votes if verdict == "approved"]
    for person, by, _ in votes:
        assert person in ABLE - {author}
        assert by != author
        assert person == by or (person, by) in DELEGATIONS
    involved = [name for person, by in approved for name in {person, by}]
    assert len(involved) == len(set(involved))  # nobody counts twice
    assert (stage == "ready") == (len(approved) == len(votes) >= count)
    assert (stage == "acted") == (len(approved) < len(votes))
