import pytest

from firstline.connector import Fact, Note
from firstline_pagerduty.note import LIMIT, find, render

NOTE = Note(
    key="r1/done",
    headline="Mended by restart-web",
    facts=(Fact(label="Change", value="CHG0001"), Fact(label="Took", value="4 s")),
    body="It answers again.\n",
    output="stopped\nstarted\n",
)


def test_a_note_reads_from_what_matters_to_what_proves_it() -> None:
    assert render(NOTE) == (
        "Mended by restart-web\n\nChange: CHG0001\nTook: 4 s\n\n"
        "It answers again.\n\nstopped\nstarted\n\n[firstline:r1/done]"
    )


def test_a_short_note_has_no_gaps() -> None:
    assert render(Note(key="k", headline="Nothing to do")) == "Nothing to do\n\n[firstline:k]"


def test_too_much_output_loses_its_middle_and_says_how_much() -> None:
    lines = [f"line {number}" for number in range(10_000)]
    text = render(NOTE.model_copy(update={"output": "\n".join(lines)}))
    assert len(text) <= LIMIT
    assert text.startswith("Mended by restart-web")
    assert "\nline 0\n" in text
    assert "\nline 9999\n" in text
    assert "characters left out" in text
    assert text.endswith("\n[firstline:r1/done]")


def test_too_long_a_story_is_cut_as_well_and_the_mark_stays() -> None:
    text = render(NOTE.model_copy(update={"body": "b" * 50_000}))
    assert len(text) <= LIMIT
    assert text.startswith("Mended by restart-web")
    assert text.endswith("\n[firstline:r1/done]")


@pytest.mark.parametrize("length", [LIMIT - 200, LIMIT - 130, LIMIT - 100, LIMIT, LIMIT + 1])
def test_no_note_passes_the_limit(length: int) -> None:
    assert len(render(NOTE.model_copy(update={"output": "x" * length}))) <= LIMIT


def test_a_note_is_found_by_its_key() -> None:
    notes = [{"id": "1", "content": "hello"}, {"id": "2", "content": render(NOTE) + "\n"}]
    found = find(notes, "r1/done")
    assert found is not None
    assert found["id"] == "2"


@pytest.mark.parametrize(
    "content", [None, "", "[firstline:r1/done] said ada", "see [firstline:r1/done]", "x\n[firstline:r1/done/2]"]
)
def test_what_only_mentions_the_key_is_not_the_note(content: str | None) -> None:
    assert find([{"id": "1", "content": content}], "r1/done") is None
