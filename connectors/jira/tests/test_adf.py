import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from firstline.connector import Fact, Note
from firstline_jira import adf
from firstline_jira.fit import LIMIT


def note(**more: object) -> Note:
    return Note.model_validate({"key": "k", "headline": "Mended"} | more)


def test_a_note_is_a_document_with_its_parts_in_order() -> None:
    document = adf.render(note(facts=[Fact(label="Runbook", value="restart")], body="One.\n\nTwo.", output="a\nb"))
    assert [block["type"] for block in document["content"]] == [
        "paragraph",
        "bulletList",
        "paragraph",
        "paragraph",
        "codeBlock",
    ]
    assert document["content"][0]["content"][0]["marks"] == [{"type": "strong"}]
    assert adf.plain(document) == "Mended\nRunbook: restart\nOne.\nTwo.\na\nb"


@pytest.mark.parametrize("character", ["x", "\\", '"', "é", "\n", "\N{PILE OF POO}", "\x1b"])
def test_a_long_output_is_cut_in_its_middle_and_fits(character: str) -> None:
    document = adf.render(note(body="why", output="first\n" + character * 60_000 + "\nlast"))
    text = adf.plain(document)
    assert adf.size(document) <= LIMIT
    assert adf.size(document) > LIMIT / 8  # and not more than needed is lost
    assert all(part in text for part in ("Mended", "why", "first", "last", "characters left out"))


def test_a_long_body_is_cut_when_the_output_is_gone() -> None:
    document = adf.render(note(body="start " + "word " * 20_000 + " end", output="o" * 10))
    assert adf.size(document) <= LIMIT
    assert "start" in adf.plain(document)
    assert "end" in adf.plain(document)


def test_many_long_facts_and_a_long_headline_fit() -> None:
    facts = [Fact(label='"' * 5_000, value="\N{PILE OF POO}" * 5_000)] * 500
    document = adf.render(note(headline='"' * 50_000, facts=facts, output="o" * 50_000))
    assert adf.size(document) <= LIMIT
    assert document["content"][-1]["type"] == "codeBlock"


def test_what_xml_cannot_hold_is_replaced() -> None:
    document = adf.render(note(body="a\x00b\ud800c\r\nd"))
    assert "\x00" not in json.dumps(document, ensure_ascii=False)
    json.dumps(document, ensure_ascii=False).encode()


@given(some.builds(Note, key=some.just("k"), headline=some.text(), body=some.text(), output=some.text()))
def test_no_document_has_an_empty_text(anything: Note) -> None:
    def check(node: dict[str, object]) -> None:
        if node["type"] == "text":
            assert node["text"]
        for child in node.get("content", []):  # type: ignore[attr-defined]
            check(child)

    check(adf.render(anything))


def test_words_come_out_of_any_document() -> None:
    odd = {"type": "doc", "content": [{"type": "mention", "attrs": {"text": "@pat"}}, None, 5, {"content": "x"}]}
    assert adf.plain(odd) == "@pat"
    assert adf.plain("text") == "text"
    assert adf.plain(None) == ""
