"""What people read on a ticket."""

from datetime import UTC, datetime
from typing import Any

import pytest
from tests.unit.remediation.conftest import MakePlan

from firstline.connector import Note
from firstline.guard import Hold
from firstline.remediation.note import text
from firstline.remediation.note.text import Ending
from firstline.remediation.planning.drift import differences
from firstline.remediation.run.finding import Findings, Outcome
from firstline.store.table import ApprovalRow


def outcome(phase: str, name: str, *, ok: bool = True, **more: Any) -> Outcome:
    return Outcome(phase=phase, name=name, target="shop", ok=ok, **more)


MENDED = [
    outcome("before", "the fault is there", detail="after 0.1 s"),
    outcome("step", "restart", output="restarted\n"),
    outcome("after", "the shop answers", detail="after 0.4 s, held for 2 s"),
]


def ending(how: str, outcomes: list[Outcome], **more: str) -> Ending:
    words = {"reason": "", "approved_by": "", "change": "CHG0030001 in servicenow"}
    words |= {"log": "https://hub/api/v1/remediations/r/log", "url": "https://hub/remediations/r", **more}
    return Ending(outcome=how, findings=Findings(outcomes=outcomes), **words)


def facts(note: Note) -> dict[str, str]:
    return {fact.label: fact.value for fact in note.facts}


def test_an_outcome_note_says_all_that_a_reader_asks(make_plan: MakePlan) -> None:
    note = text.outcome("r.outcome", make_plan(), ending("proved", MENDED, approved_by="ada"))
    assert note.headline == "Firstline: Restart a hung web process: mended, and proved"
    assert facts(note) == {
        "Runbook": "restart-web 1.2.0, owned by team-shop",
        "Matched by": "shop/web-hung",
        "Found": "the fault is there on shop: yes (after 0.1 s)",
        "Done": "restart on shop: done",
        "Approved by": "ada",
        "Change": "CHG0030001 in servicenow",
        "Proved": "the shop answers on shop: yes (after 0.4 s, held for 2 s)",
        "Log": "https://hub/api/v1/remediations/r/log",
        "More": "https://hub/remediations/r",
    }
    assert note.output == "restarted"
    assert not note.public


def test_without_an_approval_the_mapping_and_its_mode_are_named(make_plan: MakePlan) -> None:
    note = text.outcome("r.outcome", make_plan(), ending("proved", MENDED))
    assert facts(note)["Approved by"] == "mapping in mode auto"


def test_of_an_emergency_no_approval_is_claimed_before_it_is_given(make_plan: MakePlan) -> None:
    plan = make_plan(change_type="emergency")
    told = facts(text.outcome("r.outcome", plan, ending("proved", MENDED)))
    assert told["Approved by"] == "nobody yet: it is an emergency, and its change is approved afterwards"
    assert facts(text.outcome("r.outcome", plan, ending("proved", MENDED, approved_by="ada")))["Approved by"] == "ada"


def test_a_fix_that_failed_shows_the_diagnosis_first_and_why(make_plan: MakePlan) -> None:
    outcomes = [
        outcome("step", "restart", ok=False, detail="exit status 3", output="no permission\n"),
        outcome("rollback", "put it back"),
        outcome("diagnose", "what it looks like", output="port 8080 is taken\nby another\n"),
    ]
    note = text.outcome("r.outcome", make_plan(), ending("failed", outcomes, reason="restart on shop failed"))
    told = facts(note)
    assert told["Done"] == "restart on shop: failed (exit status 3)\nput it back on shop: done [rollback]"
    assert told["Found"] == "what it looks like on shop: port 8080 is taken"
    assert told["Why"] == "restart on shop failed"
    assert told["Proved"] == "no: its checks were not reached"
    assert note.output.index("port 8080") < note.output.index("no permission")


def test_a_fault_that_is_gone_is_said_as_it_was_seen(make_plan: MakePlan) -> None:
    seen = [outcome("before", "the fault is there", ok=False, detail="exit status 1")]
    told = facts(text.outcome("r.outcome", make_plan(), ending("not_needed", seen, change="")))
    assert told["Found"] == "the fault is there on shop: no (exit status 1)"
    assert told["Change"] == "none was opened"
    assert "Proved" not in told


def test_a_runbook_without_checks_does_not_claim_a_proof(make_plan: MakePlan) -> None:
    plan = make_plan(runbook={"after": ()})
    told = facts(text.outcome("r.outcome", plan, ending("proved", [outcome("step", "restart")])))
    assert told["Proved"] == "by the exit status of its steps alone"


def test_on_a_ticket_output_has_no_colours_and_nothing_that_a_terminal_obeys(make_plan: MakePlan) -> None:
    printed = "\x1b[31mred\x1b[0m \x1b]8;;https://else\x07link\x1b]8;;\x07\r\n50%\r100%"
    note = text.outcome("r.outcome", make_plan(), ending("proved", [outcome("step", "restart", output=printed)]))
    assert note.output == "red link\n50%\\r100%"


def test_long_output_shows_head_and_tail_and_says_what_is_missing(make_plan: MakePlan) -> None:
    printed = "first line\n" + "x" * 50_000 + "\nlast line"
    note = text.outcome("r.outcome", make_plan(), ending("proved", [outcome("step", "restart", output=printed)]))
    assert note.output.startswith("first line")
    assert note.output.endswith("last line")
    assert "characters left out" in note.output
    assert len(note.output) <= text.NOTE_OUTPUT + 100


def test_of_many_targets_the_first_are_listed_and_the_rest_counted(make_plan: MakePlan) -> None:
    steps = [outcome("step", f"restart {number}") for number in range(30)]
    done = facts(text.outcome("r.outcome", make_plan(), ending("proved", steps)))["Done"]
    assert len(done.splitlines()) == text.LISTED + 1
    assert done.endswith("and 20 more")


def test_a_start_note_says_who_let_it_go_and_what_runs(make_plan: MakePlan) -> None:
    note = text.start("r.start", make_plan(mode="approve"), "ada", "https://hub/remediations/r")
    assert note.headline == "Firstline is at work: Restart a hung web process"
    told = facts(note)
    assert (told["Approved by"], told["It runs"]) == ("ada", "restart on shop: ./restart shop")
    assert told["Runbook"] == "restart-web 1.2.0, owned by team-shop"


def test_a_customer_reads_a_sentence_and_nothing_of_how_it_was_done(make_plan: MakePlan) -> None:
    plan = make_plan(runbook={"note": {"public": True, "text": "The shop is open again."}})
    note = text.customer("r.public", plan)
    assert note.public
    assert (note.headline, note.body) == ("Restart a hung web process", "The shop is open again.")
    assert (note.facts, note.output) == ((), "")


def test_how_a_remediation_goes_is_said_in_words_people_use() -> None:
    said = {stage: text.progress(stage, held=False) for stage in ("waiting", "ready", "opened", "prepared", "acted")}
    assert said["waiting"] == "asked"
    assert not said.keys() & set(said.values())
    assert text.progress("ready", held=True) == "held"


@pytest.mark.parametrize("how", ["refused", "expired"])
def test_of_what_nobody_let_go_no_approval_is_told(make_plan: MakePlan, how: str) -> None:
    told = facts(
        text.outcome("r.outcome", make_plan(mode="approve"), ending(how, [], reason="bob: Not now.", change=""))
    )
    assert "Approved by" not in told
    assert "Log" not in told  # nothing ran that could have printed anything
    assert told["Why"] == "bob: Not now."


def test_what_holds_is_told_with_its_guard_its_end_and_its_mend(make_plan: MakePlan) -> None:
    end = datetime(2026, 11, 24, 6, tzinfo=UTC)
    frozen = Hold(guard="freeze", why="frozen until 2026-11-24 06:00:00 UTC", until=end, mend="It goes on afterwards.")
    rests = Hold(guard="cooldown", why="shop was touched a moment ago", until=end)
    note = text.held("r.held", make_plan(), [frozen, rests], "https://hub/remediations/r")
    assert facts(note)["Held by"] == (
        "freeze: frozen until 2026-11-24 06:00:00 UTC. What to do: It goes on afterwards.\n"
        "cooldown: shop was touched a moment ago (until 2026-11-24 06:00:00 UTC)"
    )


@pytest.mark.parametrize(("title", "said"), [("Restart it", "restart it"), ("DNS flush", "DNS flush"), ("X", "x")])
def test_a_question_is_a_sentence(make_plan: MakePlan, title: str, said: str) -> None:
    asked = ApprovalRow(remediation_id="r", plan_digest="d" * 64, state="waiting", expires_at=datetime.now(UTC))
    note = text.question("r.question", make_plan(runbook={"title": title}), asked, "u", "a")
    assert note.headline == f"Firstline asks: may it {said}?"


def test_a_change_that_is_kept_elsewhere_is_told_with_both_places(make_plan: MakePlan) -> None:
    then, fresh = (make_plan(change_type="normal", change_register=name) for name in ("servicenow", "firstline"))
    assert differences(then, fresh) == ["change: normal in servicenow is now normal in firstline"]
