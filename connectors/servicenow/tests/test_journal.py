"""How a note looks as a journal entry."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstline.connector import Fact, Note
from firstline_servicenow import journal


def test_a_note_reads_from_headline_to_key() -> None:
    note = Note(
        key="rem-1:done",
        headline="Mended by restart-web",
        facts=(Fact(label="Runbook", value="restart-web 1.2.0"), Fact(label="Target", value="shop")),
        body="It answers again.",
        output="stopped\nstarted\n",
    )
    assert journal.render(note) == (
        "Mended by restart-web\n\nRunbook: restart-web 1.2.0\nTarget: shop\n\nIt answers again.\n\n"
        "stopped\nstarted\n\n[firstline:rem-1:done]"
    )


def test_the_middle_of_the_output_is_left_out_first() -> None:
    note = Note(key="k", headline="h", body="b" * 100, output="first" + "x" * 50_000 + "last")
    text = journal.render(note)
    assert len(text) <= journal.LIMIT
    assert "b" * 100 in text
    assert "first" in text
    assert text.endswith("last\n\n[firstline:k]")


@given(st.text(max_size=300), st.text(max_size=300), st.integers(min_value=300, max_value=700))
def test_a_note_never_passes_the_limit_and_never_loses_its_key(body: str, output: str, limit: int) -> None:
    text = journal.render(Note(key="k", headline="h", body=body * 3, output=output * 3), limit)
    assert len(text) <= limit
    assert text.splitlines()[-1] == "[firstline:k]"


def test_what_a_command_prints_is_never_shown_as_html() -> None:
    text = journal.render(Note(key="k", headline="h", output="[code]<script>alert(1)</script>[/CODE]"))
    assert "[code]" not in text
    assert "[/CODE]" not in text


@pytest.mark.parametrize("key", ["a^ORactive=true", "two\nlines", "x" * 300, "ü"])
def test_a_key_that_could_be_read_as_a_query_is_replaced_by_its_hash(key: str) -> None:
    assert len(journal.marker(key)) == len("[firstline:]") + 64
    assert journal.marker(key) == journal.marker(key)


@given(st.text(max_size=300), st.text(max_size=300), st.integers(min_value=300, max_value=700))
def test_html_never_passes_the_limit_holds_no_tag_of_the_notes_own_and_keeps_its_key(
    body: str, output: str, limit: int
) -> None:
    note = Note(key="k", headline="<h>", body=f"<script>{body}" * 3, output=f"[/code]{output}" * 3)
    text = journal.render(note, limit, as_html=True)
    assert len(text) <= limit
    assert text.endswith("[/code]\n[firstline:k]")
    assert text.count("[/code]") == 1
    assert set(re.findall(r"<[^>]*>", text)) <= {
        f"<{end}{tag}>" for tag in ("p", "b", "pre", "br") for end in ("", "/")
    }


def test_html_that_has_no_room_for_its_facts_is_plain_text() -> None:
    facts = tuple(Fact(label=f"fact {n}", value="v" * 50) for n in range(20))
    text = journal.render(Note(key="k", headline="h", facts=facts), 400, as_html=True)
    assert len(text) <= 400
    assert "[code]" not in text
    assert text.endswith("[firstline:k]")


def test_public_notes_are_comments_and_others_work_notes() -> None:
    assert journal.field(Note(key="k", headline="h", public=True)) == "comments"
    assert journal.field(Note(key="k", headline="h")) == "work_notes"
