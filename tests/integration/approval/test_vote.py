"""Who lets a plan go, and how often it is decided: once."""

import asyncio
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from tests.integration.approval.conftest import OS, Office, Race

from firstline.access import Right, roll
from firstline.errors import Rejected
from firstline.remediation.approval import Answer, NotCounted, Standing, answer, end, expire, void
from firstline.store import Database
from firstline.store.table import REMEDIATION, now


def test_one_who_may_approve_lets_the_plan_go(office: Office) -> None:
    office.person("ann")
    asked = office.ask()
    assert office.answer(asked, "ann", comment="It is fine.") == Standing("approved", 1, 1)
    remediation = office.remediation(asked)
    assert (remediation["stage"], remediation["approved_by"]) == ("ready", "ann")
    assert remediation["wake_at"] <= now()
    (told,) = office.told(asked, "approved")
    assert (told["by"], told["facts"]["way"]) == ("ann", "api")
    assert "It is fine." in told["text"]


def test_one_refusal_with_a_reason_ends_it_and_nothing_runs(office: Office) -> None:
    office.person("ann")
    office.person("bo")
    asked = office.ask(count=2)
    office.answer(asked, "ann")
    assert office.answer(asked, "bo", "refused", "Not during the sale.").state == "refused"
    remediation = office.remediation(asked)
    assert (remediation["stage"], remediation["outcome"]) == ("acted", "refused")
    assert remediation["reason"] == "bo: Not during the sale."


def test_a_refusal_without_a_reason_is_none(office: Office) -> None:
    office.person("ann")
    asked = office.ask()
    with pytest.raises(Rejected, match="needs a reason"):
        office.answer(asked, "ann", "refused", " ")
    assert office.state(asked) == "waiting"


def test_two_of_a_group_are_two_different_people_of_it(office: Office) -> None:
    office.person("ann", groups=("sre-core",))
    office.person("bo", groups=("sre-core",))
    office.person("cy")
    asked = office.ask("sre-core", count=2)
    with pytest.raises(NotCounted, match="none of those who are asked: sre-core"):
        office.answer(asked, "cy")
    assert office.answer(asked, "ann") == Standing("waiting", 1, 2)
    assert office.answer(asked, "ann") == Standing("waiting", 1, 2)
    assert office.remediation(asked)["stage"] == "waiting"
    assert office.answer(asked, "bo") == Standing("approved", 2, 2)
    assert office.remediation(asked)["approved_by"] == "ann, bo"


def test_to_be_in_the_group_is_no_right(office: Office) -> None:
    office.person("ann", Right.SEE, groups=("sre-core",))
    asked = office.ask("sre-core")
    with pytest.raises(NotCounted, match="ann may not approve for shop in prod"):
        office.answer(asked, "ann")


def test_a_right_for_another_pack_or_environment_is_none_here(office: Office) -> None:
    office.person("ann", pack="billing")
    office.person("bo", environment="test")
    for name in ("ann", "bo"):
        with pytest.raises(NotCounted, match="may not approve for shop in prod"):
            office.answer(office.ask(), name)


def test_a_token_that_is_not_for_approvals_approves_nothing(office: Office) -> None:
    office.person("ann")
    office.person("bo")
    office.delegate("bo", "ann")
    asked = office.ask()
    reading = frozenset({Right.SEE})
    with pytest.raises(NotCounted, match="may not approve"):
        office.answer(asked, "ann", limits=reading)
    with pytest.raises(NotCounted, match="token is not for approvals"):
        office.answer(asked, "ann", giver="bo", limits=reading)
    assert office.state(asked) == "waiting"


def test_the_same_answer_again_is_answered_kindly_and_counts_once(office: Office) -> None:
    office.person("ann")
    asked = office.ask()
    office.answer(asked, "ann")
    assert office.answer(asked, "ann").state == "approved"
    assert len(office.told(asked, "approved")) == 1
    with pytest.raises(Rejected, match="approved already by ann"):
        office.answer(asked, "ann", "refused")


def test_who_approved_may_still_refuse_while_others_are_waited_for(office: Office) -> None:
    office.person("ann")
    office.person("bo")
    asked = office.ask(count=2)
    office.answer(asked, "ann")
    assert office.answer(asked, "ann", "refused", "I saw it again.").state == "refused"
    assert office.votes(asked) == [("ann", "ann", "refused")]
    with pytest.raises(Rejected, match="refused already by ann"):
        office.answer(asked, "bo")


def test_who_left_since_no_longer_counts(office: Office) -> None:
    for name in ("ann", "bo", "cy"):
        office.person(name)
    asked = office.ask(count=2)
    office.answer(asked, "ann")
    office.database.write_now(lambda c: roll.turn_off(c, "ann", by=OS))
    assert office.answer(asked, "bo") == Standing("waiting", 1, 2)
    assert office.answer(asked, "cy") == Standing("approved", 2, 2)
    assert office.remediation(asked)["approved_by"] == "bo, cy"


def test_nobody_unknown_or_off_answers(office: Office) -> None:
    office.person("ann")
    asked = office.ask()
    office.database.write_now(lambda c: roll.turn_off(c, "ann", by=OS))
    for name in ("ann", "mallory"):
        with pytest.raises(NotCounted):
            office.answer(asked, name)
    assert office.remediation(asked)["stage"] == "waiting"


def test_an_answer_after_the_expiry_comes_too_late(office: Office) -> None:
    office.person("ann")
    asked = office.ask(expires=60)
    with pytest.raises(Rejected, match="it expired at"):
        office.answer(asked, "ann", moment=now() + timedelta(seconds=61))
    assert office.remediation(asked)["stage"] == "waiting"


def test_an_approval_of_another_plan_lets_nothing_go(office: Office) -> None:
    office.person("ann")
    asked = office.ask()
    with pytest.raises(Rejected, match="not the one that is asked about"):
        office.answer(asked, "ann", digest="0" * 64)
    changed = REMEDIATION.update().values(plan_digest="f" * 64)
    office.database.write_now(lambda c: c.execute(changed))
    with pytest.raises(Rejected, match="nothing was started"):
        office.answer(asked, "ann")
    assert (office.remediation(asked)["stage"], office.votes(asked), office.state(asked)) == ("waiting", [], "waiting")


def test_a_remediation_that_waits_for_its_change_is_only_woken(office: Office) -> None:
    office.person("ann")
    asked = office.ask(stage="opened")
    assert office.answer(asked, "ann").state == "approved"
    remediation = office.remediation(asked)
    assert (remediation["stage"], remediation["approved_by"]) == ("opened", "")
    assert remediation["wake_at"] <= now()


def test_an_emergency_that_ran_first_is_approved_or_refused_afterwards(office: Office) -> None:
    office.person("ann")
    for stage, verdict in (("prepared", "approved"), ("following", "refused")):
        asked = office.ask(stage=stage)
        emergency = REMEDIATION.update().values(change_type="emergency")
        office.database.write_now(partial(_execute, emergency))
        assert office.answer(asked, "ann", verdict).state == verdict
        assert office.remediation(asked)["stage"] == stage
    assert office.remediation(asked)["wake_at"] <= now()


def test_what_has_ended_is_let_go_by_nobody(office: Office) -> None:
    office.person("ann")
    for stage in ("prepared", "acted", "ended"):
        with pytest.raises(Rejected, match="nothing was started"):
            office.answer(office.ask(stage=stage), "ann")


def test_what_is_void_is_answered_by_nobody(office: Office) -> None:
    office.person("ann")
    asked = office.ask()
    remediation = office.remediation(asked)["id"]
    assert office.database.write_now(lambda c: void(c, remediation, "targets: a is now b")) == 1
    with pytest.raises(Rejected, match="the plan has changed"):
        office.answer(asked, "ann")
    (told,) = office.told(asked, "void")
    assert "targets: a is now b" in told["text"]
    assert office.database.write_now(lambda c: void(c, remediation, "again")) == 0


def test_an_approval_that_was_given_is_void_too_when_the_plan_drifts(office: Office) -> None:
    office.person("ann")
    asked = office.ask()
    office.answer(asked, "ann")
    office.database.write_now(lambda c: void(c, office.remediation(asked)["id"], "runbook: 1.0.0 is now 1.1.0"))
    assert office.state(asked) == "void"


def test_who_tries_in_vain_is_told_in_the_ledger_once(office: Office) -> None:
    office.person("bo", Right.SEE)
    asked = office.ask()
    for _ in range(3):
        with pytest.raises(NotCounted):
            _tried(office, asked, "bo")
    (told,) = office.told(asked, "not counted")
    assert (told["by"], told["facts"]["approval"]) == ("bo", asked)
    assert "bo may not approve" in told["text"]


def test_each_question_and_answer_is_as_the_ledger_says(office: Office) -> None:
    for name in ("ann", "bo"):
        office.person(name)
    decided, refused, half, gone = office.ask(), office.ask(count=2), office.ask(count=2), office.ask()
    office.answer(decided, "ann")
    office.answer(refused, "ann")
    office.answer(refused, "ann", "refused")
    office.answer(half, "bo")
    office.database.write_now(lambda c: void(c, office.remediation(gone)["id"], "drift"))
    assert office.unbound() == []


def test_two_last_approvers_at_the_same_moment_start_one_run(database: Database, at_once: Race) -> None:
    office = Office(database)
    for name in ("ann", "bo", "cy"):
        office.person(name)
    for _ in range(5):
        asked = office.ask(count=2)
        office.answer(asked, "ann")
        results = at_once(*(partial(office.answer, asked, name) for name in ("bo", "cy")))
        assert sorted(type(one).__name__ for one in results) == ["Rejected", "Standing"]
        assert len(office.told(asked, "approved")) == 2
        assert len(office.votes(asked)) == 2


def test_approve_and_refuse_at_the_same_moment_one_wins(database: Database, at_once: Race) -> None:
    office = Office(database)
    for name in ("ann", "bo"):
        office.person(name)
    for _ in range(5):
        asked = office.ask()
        results = at_once(partial(office.answer, asked, "ann"), partial(office.answer, asked, "bo", "refused"))
        (won,) = (one for one in results if isinstance(one, Standing))
        stage = {"approved": "ready", "refused": "acted"}[won.state]
        assert (office.state(asked), office.remediation(asked)["stage"]) == (won.state, stage)


def test_an_answer_and_the_expiry_at_the_same_moment_one_wins(database: Database, at_once: Race) -> None:
    office = Office(database)
    office.person("ann")
    for _ in range(5):
        asked = office.ask(expires=0)
        early = now() - timedelta(seconds=1)  # the answer came in time, and is written as the clock ends it
        answers = partial(office.answer, asked, "ann", moment=early)
        results = at_once(answers, partial(database.write_now, end.expire_some))
        stage = {"approved": "ready", "expired": "acted"}[office.state(asked)]
        assert office.remediation(asked)["stage"] == stage
        assert isinstance(results[0], Standing) == (stage == "ready")
        assert isinstance(results[0], Standing | Rejected)


def test_what_nobody_answered_ends_in_batches(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(end, "BATCH", 2)
    late, waits = [office.ask(expires=-1) for _ in range(5)], office.ask()
    void_ = office.ask(expires=-1)
    office.database.write_now(lambda c: void(c, office.remediation(void_)["id"], "drift"))
    context: Any = _Context(office.database)
    context.work = asyncio.Event()
    asyncio.run(expire(context))
    assert [office.state(one) for one in late] == ["expired"] * 5
    assert {office.remediation(one)["outcome"] for one in late} == {"expired"}
    assert (office.state(waits), office.state(void_)) == ("waiting", "void")
    assert office.unbound() == []


def _tried(office: Office, asked: str, name: str) -> None:
    """As the API does it: what is not counted is kept though the answer is refused."""
    context: Any = _Context(office.database)
    asyncio.run(answer(context, asked, Answer("approved", office.find(name), "api")))


class _Context:
    def __init__(self, database: Database) -> None:
        self.database = database

    def wake(self) -> None:
        """Nobody waits."""


def _execute(statement: sa.Executable, connection: sa.Connection) -> None:
    connection.execute(statement)
