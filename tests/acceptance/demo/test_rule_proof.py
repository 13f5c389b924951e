"""The judgement over the acts about what may run: what should be wrong is found wrong, claim by claim."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from firstline.demo import audit, proof_rule
from firstline.demo.act_freeze import NAME
from firstline.demo.audit import FOUND, INTACT, Audit
from firstline.demo.people import APPROVER, AUTHOR, GOVERNS, MANAGER, MANAGER_NAME, REQUESTER, SECOND
from firstline.demo.record import Course, Entry, Record, Records, Remediation, Story
from firstline.demo.seen import Seen
from firstline.demo.services import CARDS, ORDERS, PAYROLL, RELAY, SEARCH, Service

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def change(number: str, service: Service, result: str = "successful", type_: str = "standard") -> Record:
    """Opened at 0, approved at 20, worked on from 29 to 32."""
    approvers = () if type_ == "standard" else (MANAGER_NAME,)
    course = Course(type_, at(0), at(20), at(29), at(32), approvers)
    words = ("servicenow", "change_request", number, f"Restart: {service.title}", "Closed")
    return Record(*words, result=result, evidence="digest abc", ci=service.name, course=course)


def begun(id_: str, service: Service, mode: str = "auto", outcome: str = "proved", by: str = "") -> Remediation:
    return Remediation(id_, f"services/{service.name}", service.title, mode, outcome, by, "CHG")


def told(subject: str, act: str, when: float, by: str = "firstline", text: str = "", **facts: Any) -> Entry:
    return Entry(act, by, subject, text, at(when), facts)


RECORDS = (
    change("CHG1", RELAY),
    change("CHG2", PAYROLL),
    change("CHG3", ORDERS, type_="normal"),
    change("CHG4", CARDS, type_="emergency"),
    change("CHG5", SEARCH, "unsuccessful"),
    change("CHG6", SEARCH),
    Record("servicenow", "incident", "INC1", ORDERS.title, "Resolved", covered="CHG3"),
)
STORY = Story(
    remediations=(
        begun("relay", RELAY),
        begun("payroll", PAYROLL, "approve", by=f"{APPROVER}, {SECOND}"),
        begun("orders", ORDERS, by=MANAGER_NAME),
        begun("cards", CARDS),
        begun("first", SEARCH, outcome="failed"),
        begun("second", SEARCH, "approve", by=APPROVER),
    ),
    entries=(
        told("runbook:services/restart-relay", "pinned", -9, GOVERNS),
        told("relay", "held", 1, text=f"Held by freeze: {NAME} (until 2026-11-23 14:00:00 UTC)"),
        told("payroll", "not counted", 1, REQUESTER, f"{REQUESTER} asked for it: the ticket is theirs"),
        told("payroll", "not counted", 2, AUTHOR, f"{AUTHOR} is an author of the runbook"),
        told("payroll", "approved", 3, APPROVER),
        told("payroll", "approved", 4, SECOND),
        told("orders", "waits", 1),
        told("orders", "approved", 21),
        told("orders", "prepared", 29),
        told("cards", "prepared", 1),
        told("cards", "proved", 11),
        told("cards", "approved afterwards", 21),
        told("mapping:services/search", "demoted", 5, mode="approve", evidence={"remediation": "first"}),
        told("second", "approved", 7, APPROVER),
    ),
    heard=frozenset({("CHG3", MANAGER)}),
)
SEEN = Seen(
    why=f"freeze holds {NAME}. Until 2026-11-23 14:00:00 UTC.",
    lifted_at=at(9),
    restarts={
        "relay": [at(10)],
        "payroll": [at(10)],
        "orders": [at(30.5)],
        "cards": [at(10.5)],
        "search": [at(4), at(8)],
    },
)
ACTS = (proof_rule.freeze, proof_rule.eyes, proof_rule.normal, proof_rule.emergency, proof_rule.demotion)


def wrong(records: tuple[Record, ...] = RECORDS, story: Story = STORY, seen: Seen = SEEN) -> list[str]:
    proofs = [each for act in ACTS for each in act(Records(records), story, seen)]
    proofs += proof_rule.pins(story, ["services/restart-relay"])
    return [each.claim for each in proofs if not each.holds]


def without(act: str, by: str = "firstline") -> Story:
    return replace(STORY, entries=tuple(each for each in STORY.entries if (each.act, each.by) != (act, by)))


def changed(number: str, **fields: Any) -> tuple[Record, ...]:
    return tuple(replace(record, **fields) if record.number == number else record for record in RECORDS)


def course(number: str, **fields: Any) -> tuple[Record, ...]:
    mine = next(record.course for record in RECORDS if record.number == number)
    assert mine is not None
    return changed(number, course=replace(mine, **fields))


def restarted(name: str, *moments: float) -> Seen:
    return replace(SEEN, restarts={**SEEN.restarts, name: [at(moment) for moment in moments]})


def moved(id_: str, **fields: Any) -> Story:
    found = tuple(replace(each, **fields) if each.id == id_ else each for each in STORY.remediations)
    return replace(STORY, remediations=found)


def test_the_records_of_a_right_story_prove_it() -> None:
    assert wrong() == []


def test_a_story_that_left_nothing_proves_nothing() -> None:
    assert len(wrong((), Story(), Seen())) > 20


@pytest.mark.parametrize(
    ("look", "claim"),
    [
        (lambda: wrong(story=without("held")), "in the freeze the fix is held"),
        (lambda: wrong(seen=replace(SEEN, why="It has ended")), "`firstline guard why`"),
        (lambda: wrong(seen=restarted("relay", 8)), "the relay was restarted once, after the freeze"),
        (lambda: wrong(seen=restarted("relay", 10, 11)), "the relay was restarted once, after the freeze"),
        (lambda: wrong(seen=restarted("relay")), "the relay was restarted once, after the freeze"),
        (lambda: wrong(story=without("not counted", AUTHOR)), "two tried whose word does not count"),
        (lambda: wrong(story=without("approved", SECOND)), "two others let it go"),
        (lambda: wrong(seen=restarted("payroll", 3.5)), "payroll was restarted once, after the second"),
        (lambda: wrong(course("CHG3", approvers=("Firstline",))), "approved by its manager alone"),
        (lambda: wrong(course("CHG3", type="standard")), "approved by its manager alone"),
        (lambda: wrong(story=replace(STORY, heard=frozenset())), "ServiceNow itself told the hub"),
        (lambda: wrong(course("CHG3", approved_at=at(31))), "approved and in Implement"),
        (lambda: wrong(course("CHG3", work_start=at(31))), "approved and in Implement"),
        (lambda: wrong(seen=restarted("orders", 40)), "approved and in Implement"),
        (lambda: wrong(changed("INC1", covered="")), "the incident names the change"),
        (lambda: wrong(course("CHG4", created_at=at(11))), "it was filed before"),
        (lambda: wrong(course("CHG4", approved_at=at(5))), "they did not wait for its approval"),
        (lambda: wrong(course("CHG4", approvers=())), "an emergency change was approved"),
        (lambda: wrong(story=without("approved afterwards")), "followed to its end"),
        (lambda: wrong(story=moved("second", mode="auto")), "is asked about the next time"),
        (lambda: wrong(story=without("demoted")), "the ledger has the demotion"),
        (lambda: wrong(seen=restarted("search", 4, 6)), "once more when let go"),
        (lambda: wrong(changed("CHG5", result="successful")), "one change of the search"),
        (lambda: wrong(story=without("pinned", GOVERNS)), "pre-approved each standard change"),
    ],
)
def test_what_is_wrong_is_found(look: Callable[[], list[str]], claim: str) -> None:
    assert any(claim in found for found in look())


@pytest.mark.parametrize("number", [1, 2, 3, 4, 6])
def test_a_change_that_is_not_closed_successful_is_found(number: int) -> None:
    assert any("closed successful" in claim for claim in wrong(changed(f"CHG{number}", result="unsuccessful")))


@pytest.mark.parametrize(
    ("intact", "edited"),
    [
        (Audit(FOUND, "not intact"), Audit(FOUND, "row 7 was edited", "7")),
        (Audit(INTACT, "intact: 9 entries"), Audit(INTACT, "intact: 9 entries", "7")),
        (Audit(INTACT, "intact: 9 entries"), Audit(FOUND, "row 8 was edited", "7")),
        (Audit(INTACT, "intact: 9 entries"), Audit(FOUND, "row 7 was edited", "")),
    ],
    ids=["not intact", "not found", "another named", "nothing edited"],
)
def test_an_audit_that_says_something_else_proves_nothing(intact: Audit, edited: Audit) -> None:
    assert not all(each.holds for each in audit.prove(intact, edited))


def test_an_audit_that_finds_just_the_edited_row_proves_it() -> None:
    proofs = list(audit.prove(Audit(INTACT, "intact: 9 entries"), Audit(FOUND, "row 7 was edited", "7")))
    assert [each.holds for each in proofs] == [True, True]
