"""The judgement over the records: what should be wrong is found wrong, claim by claim."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

import pytest

from firstline.demo import proof
from firstline.demo.act_fault import BROKEN, FULL, HUNG
from firstline.demo.claim import Proof
from firstline.demo.fault import ACCOUNTS
from firstline.demo.record import Record, Records, Story, comparable
from firstline.demo.seen import Seen, ShopSeen

MARA = "Mara Keller"
DIAGNOSIS = "its last words:\nthe shop does not start: shop.json can't be read"


def page(number: int, title: str, state: str, result: str, note: str) -> Record:
    return Record("pagerduty", "incident", f"#{number}", title, state, (note,), result=result)


def ticket(number: str, *notes: str) -> Record:
    return Record("servicenow", "incident", number, "A / B / C", "New", notes)


def change(number: int, title: str, result: str, ci: str = "shop") -> Record:
    words = ("servicenow", "change_request", f"CHG{number}", title, "Closed")
    return Record(*words, result=result, evidence="Runbook x 1.0.0, digest abc", ci=ci)


RECORDS = (
    page(1, HUNG, "resolved", "", "mended"),
    page(2, FULL, "resolved", "", "mended"),
    page(3, BROKEN, "triggered", "level 2: Ben", DIAGNOSIS),
    ticket("INC1", "INC1: A / B / C, opened ..."),
    ticket("INC2", "Firstline suggests: ..."),
    ticket("INC3"),
    Record("jira", "request", "HELP-1", "A screen", "Open"),
    Record("jira", "request", "HELP-2", "Unlock me", "Resolved", ("Firstline asks: ...", "done"), result="Done"),
    change(1, f"Restart: #1 {HUNG}", "successful"),
    change(2, f"Clear: #2 {FULL}", "successful"),
    change(3, f"Restart: #3 {BROKEN}", "unsuccessful"),
    change(4, "Unlock: HELP-2 Unlock me", "successful", "accounts"),
)


def right() -> Seen:
    after = deepcopy(ACCOUNTS)
    after[MARA] |= {"locked": False, "failed_passwords": 0}
    answers = {HUNG: 200, FULL: 200}
    shop = ShopSeen(hung_pid=1, restarted_pid=2, old_logs=0, visits_before=6, visits_after=6, starts=3, answers=answers)
    modes = {"INC1": "auto", "INC2": "suggest", "INC3": ""}
    return Seen(shop, modes, "HELP-2", MARA, ACCOUNTS, ACCOUNTS, after)


def prove(records: Records, seen: Seen) -> list[Proof]:
    acts = (proof.faults, proof.desk, proof.request)
    whole = [each for act in acts for each in act(records, Story(), seen)]
    return [*whole, *proof.changes(records, {"shop": 3, "accounts": 1})]


def wrong(records: tuple[Record, ...], seen: Seen) -> str:
    return "\n".join(each.claim for each in prove(Records(records), seen) if not each.holds)


def changed(which: str, /, **fields: object) -> tuple[Record, ...]:
    return tuple(replace(record, **fields) if record.number == which else record for record in RECORDS)  # type: ignore[arg-type]


def test_the_records_of_a_right_story_prove_it() -> None:
    assert wrong(RECORDS, right()) == ""


@pytest.mark.parametrize(
    ("number", "fields", "claim"),
    [
        ("#1", {"state": "triggered"}, "is resolved in PagerDuty"),
        ("#1", {"notes": ("mended", "mended")}, "each page has its outcome once"),
        ("#3", {"state": "resolved", "result": ""}, "stays open"),
        ("#3", {"result": "level 1: Ada"}, "is escalated to the second line"),
        ("#3", {"notes": ("it failed",)}, "the diagnosis is on the incident"),
        ("INC1", {"notes": ()}, "were looked up"),
        ("INC1", {"notes": ("INC1: A / B / C", "INC1: A / B / C")}, "were looked up"),
        ("INC2", {"notes": ("INC2: A / B / C, it ran",)}, "were proposed"),
        ("INC3", {"notes": ("touched",)}, "were left alone"),
        ("INC3", {"public": ("told the caller",)}, "were left alone"),
        ("INC3", {"state": "In Progress"}, "were left alone"),
        ("INC3", {"number": "INC4"}, "incidents are in ServiceNow"),
        ("HELP-1", {"notes": ("touched",)}, "requests were left alone"),
        ("HELP-2", {"notes": ("done", "Firstline asks")}, "the plan was named before anything ran"),
        ("HELP-2", {"notes": ("Firstline asks",)}, "asked about once, and answered once"),
        ("HELP-2", {"state": "Waiting for support"}, "the request is resolved"),
        ("CHG1", {"result": "unsuccessful"}, "one change, closed successful"),
        ("CHG3", {"result": "successful"}, "one change, closed unsuccessful"),
        ("CHG4", {"state": "Review"}, "every change is closed"),
        ("CHG4", {"evidence": ""}, "carries its evidence"),
        ("CHG4", {"ci": ""}, "every change covers its item"),
    ],
)
def test_a_record_that_is_wrong_is_found(number: str, fields: dict[str, object], claim: str) -> None:
    assert claim in wrong(changed(number, **fields), right())


@pytest.mark.parametrize("record", [RECORDS[0], RECORDS[8]], ids=["page", "change"])
def test_a_record_too_many_is_found(record: Record) -> None:
    assert wrong((*RECORDS, replace(record, number="#9")), right())


def _relock(seen: Seen) -> None:
    seen.accounts_after = ACCOUNTS


def _unlock_too_early(seen: Seen) -> None:
    seen.accounts_asked = seen.accounts_after


def _unlock_another(seen: Seen) -> None:
    seen.accounts_after = {**seen.accounts_after, "Irene Vogt": {"locked": False}}


@pytest.mark.parametrize(
    ("spoil", "claim"),
    [
        (lambda seen: setattr(seen.shop, "restarted_pid", 1), "the hung process was replaced"),
        (lambda seen: setattr(seen.shop, "old_logs", 2), "the old logs are gone"),
        (lambda seen: setattr(seen.shop, "visits_after", 0), "the rollback put the cache back"),
        (lambda seen: setattr(seen.shop, "starts", 4), "started once by each restart"),
        (lambda seen: seen.shop.answers.pop(HUNG), "the shop answered again"),
        (_relock, "the account is open"),
        (_unlock_too_early, "nothing was unlocked before the approval"),
        (_unlock_another, "no other was touched"),
    ],
)
def test_what_was_seen_of_the_world_counts_as_much_as_the_records(spoil: Callable[[Seen], None], claim: str) -> None:
    seen = right()
    spoil(seen)
    assert claim in wrong(RECORDS, seen)


def test_a_story_that_left_nothing_proves_nothing() -> None:
    assert "the monitor paged three times" in wrong((), Seen())


def test_records_that_differ_in_numbers_and_times_alone_are_comparable() -> None:
    again = changed("INC1", notes=("INC7: A / B / C, opened ...",))
    assert comparable(Records(tuple(reversed(again)))) == comparable(Records(RECORDS))


def test_records_that_differ_in_a_note_or_a_state_are_not() -> None:
    for other in (changed("#1", notes=("mended", "mended")), changed("CHG1", state="Review"), RECORDS[1:]):
        assert comparable(Records(other)) != comparable(Records(RECORDS))
