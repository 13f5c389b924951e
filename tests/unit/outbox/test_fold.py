"""What is folded of a record's unsent writes, and what never is."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from firstline.connector import Fact, Note, StateChange, Update
from firstline.outbox.fold import SECTIONS, merge, reduce

URL = "https://hub/remediations"


def row(number: int, act: str, remediation: str, body: Any, attempts: int = 0) -> dict[str, Any]:
    made = body.model_dump(mode="json")
    return {"id": f"{number:03d}", "act": act, "remediation_id": remediation, "body": made, "attempts": attempts}


def note(number: int, remediation: str = "a", kind: str = "outcome", **more: Any) -> dict[str, Any]:
    attempts = more.pop("attempts", 0)
    made = Note(key=f"{remediation}.{kind}", headline=f"{kind} of {remediation}", **more)
    return row(number, "note", remediation, made, attempts)


def state(number: int, to: Any, remediation: str = "a", attempts: int = 0) -> dict[str, Any]:
    return row(number, "state", remediation, StateChange(to=to), attempts)


def kept(*rows: dict[str, Any], ended: set[str] | None = None) -> list[str]:
    return [one["id"] for one in reduce(rows, ended or set()).kept]


def test_the_latest_state_wins_and_the_note_stays_before_it() -> None:
    rows = [note(1), state(2, "acknowledged"), state(3, "resolved"), note(4, "b"), state(5, "resolved", "b")]
    assert kept(*rows) == ["001", "004", "005"]
    assert reduce(rows).into == {"002": "005", "003": "005"}


def test_an_acknowledgement_undoes_neither_an_escalation_nor_a_reassignment() -> None:
    assert kept(state(1, "escalated"), state(2, "reassigned"), state(3, "acknowledged", "b")) == ["001", "002", "003"]


def test_a_start_note_goes_when_the_outcome_is_known() -> None:
    assert reduce([note(1, kind="start"), note(2)]).into == {"001": "002"}


def test_another_remediations_start_note_stays() -> None:
    assert kept(note(1, "b", "start"), note(2)) == ["001", "002"]


def test_to_acknowledge_goes_when_the_remediation_has_ended() -> None:
    rows = (state(1, "acknowledged"), note(2))
    assert kept(*rows, ended={"a"}) == ["002"]
    assert kept(*rows) == ["001", "002"]


def test_the_live_note_is_written_as_it_is_last() -> None:
    assert kept(note(1, kind="status"), note(2, kind="status")) == ["002"]


def test_a_public_note_replaces_no_internal_one() -> None:
    assert kept(note(1, kind="start"), note(2, kind="public", public=True)) == ["001", "002"]


def test_what_was_tried_is_not_folded() -> None:
    assert kept(note(1, kind="start", attempts=1), note(2)) == ["001", "002"]
    assert kept(state(1, "acknowledged", attempts=1), state(2, "resolved")) == ["001", "002"]


def test_an_update_goes_only_when_a_later_one_sets_all_of_it() -> None:
    first = row(1, "update", "a", Update(priority=2, fields={"x": "1"}))
    part = row(2, "update", "b", Update(priority=1))
    whole = row(3, "update", "c", Update(priority=1, fields={"x": "2", "y": "3"}))
    assert kept(first, part) == ["001", "002"]
    assert kept(first, part, whole) == ["003"]


def test_files_changes_and_alarms_are_never_folded() -> None:
    rows = [row(n, act, "a", StateChange(to="resolved")) for n, act in enumerate(("attachment", "change", "alarm"))]
    assert len(kept(*rows, *rows)) == 6


def test_notes_of_several_remediations_become_one_with_the_latest_headline() -> None:
    facts = (Fact(label="Done", value="restart on web1: done"), Fact(label="More", value=f"{URL}/a"))
    rows = [
        note(1, "a", facts=facts, output="noise"),
        note(2, "b"),
        state(3, "resolved", "b"),
        note(4, "c", body="Fin."),
    ]
    body, folding = merge(rows, set(), URL)
    assert (body["key"], body["headline"]) == ("a.outcome", "outcome of c")
    assert body["body"].startswith("Fin.\n\nBefore that, on the same record:\n\noutcome of b")
    assert f"outcome of a\nDone: restart on web1: done · More: {URL}/a" in body["body"]
    assert [one["id"] for one in folding.kept] == ["001", "003"]
    assert folding.into == {"002": "001", "004": "001"}
    Note.model_validate(body)


def test_more_than_twenty_are_counted_with_where_they_are() -> None:
    body, _ = merge([note(n, f"m{n}") for n in range(SECTIONS + 8)], set(), URL)
    assert body["body"].count("outcome of") == SECTIONS
    assert body["body"].endswith(f"and 7 more: {URL}")


def test_a_question_that_is_joined_still_says_where_it_is_answered() -> None:
    answer = f"https://hub.example.com/approvals/{'0' * 32}"
    asked = note(1, "b", "question", facts=(Fact(label="Let it go or refuse it", value=answer),))
    assert answer in merge([asked, note(2)], (), URL)[0]["body"]


def test_no_headline_makes_a_joined_note_long() -> None:
    long = [note(n, f"m{n}").copy() for n in range(30)]
    for one in long:
        one["body"] |= {"headline": "x" * 10_000, "facts": [{"label": "Why", "value": "y" * 10_000}]}
    assert len(merge(long, (), URL)[0]["body"]) < 500 * SECTIONS


def test_what_stands_or_is_edited_public_or_tried_is_joined_with_nothing() -> None:
    others = [note(2, "b", public=True), note(3, "c", attempts=1), note(4, "d", "status")]
    first = note(1)
    body, folding = merge([first, *others], {"d.status"}, URL)
    assert (body, folding.into) == (first["body"], {})
    assert merge([others[2], note(5)], {"d.status"}, URL)[1].into == {}


ACTS = st.sampled_from(["start", "outcome", "acknowledged", "resolved", "reopened", "escalated"])


@given(st.lists(st.tuples(ACTS, st.sampled_from("abc"), st.integers(0, 1)), max_size=20))
def test_folding_loses_nothing_keeps_the_order_and_is_at_rest_after_once(plan: list[tuple[str, str, int]]) -> None:
    rows = [
        note(n, who, what, attempts=tries) if what in ("start", "outcome") else state(n, what, who, tries)
        for n, (what, who, tries) in enumerate(plan)
    ]
    folding = reduce(rows)
    ids = [one["id"] for one in folding.kept]
    assert ids == sorted(ids)
    assert {*ids, *folding.into} == {one["id"] for one in rows}
    assert set(folding.into.values()) <= set(ids)
    assert reduce(folding.kept).into == {}
    fresh = [one for one in rows if one["act"] == "state" and not one["attempts"]]
    if fresh:
        assert fresh[-1]["id"] in ids
