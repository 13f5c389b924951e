from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from firstline.declaration import Declaration, Misdeclarations, parse
from firstline.declaration.yaml import DEPTH_LIMIT, SIZE_LIMIT
from firstline.errors import Misdeclared


@pytest.mark.parametrize(
    "text", ["on", "off", "yes", "no", "y", "n", "012", "-01", "12:30", "1.2.0", "0b1", "1_000", "=", "2026-01-02"]
)
def test_what_yaml_1_1_would_convert_stays_text(text: str) -> None:
    assert parse(f"key: {text}", "f").value == {"key": text}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-3", -3),
        ("0", 0),
        ("0x1F", 31),
        ("0o17", 15),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("'12'", "12"),
        ('"true"', "true"),
    ],
)
def test_scalars_have_the_types_of_the_core_schema(text: str, value: object) -> None:
    found = parse(f"key: {text}", "f").value
    assert found == {"key": value}
    assert isinstance(found, dict)
    assert type(found["key"]) is type(value)


@pytest.mark.parametrize(
    ("source", "place", "words"),
    [
        ("a: 1\nb: 2\na: 3", "f:3:1", "second time"),
        ("é: {x: 1, x: 2}", "f:1:11", "second time"),
        ("a: &x 1", "f:1:4", "anchors"),
        ("a: 1\nb: *a", "f:2:4", "anchors"),
        ("a: !!python/name:os.system x", "f:1:4", "tags"),
        ("&k a: 1", "f:1:1", "anchors"),
        ("? [a]\n: 1", "f:1:3", "key must be text"),
        ("a: 1\n---\nb: 2", "f:3:1", "second document"),
        ("", "f:1:1", "empty"),
        ("# nothing", "f:1:1", "empty"),
        ("a: .inf", "f:1:4", "finite"),
        ("a: 1e999", "f:1:4", "too large"),
        ("a: 99999999999999999999", "f:1:4", "64 bits"),
        ("a: b: c", "f:1:5", "not allowed"),
        ("a:\n\t- b", "f:2:1", "token"),
        ("é: \x00", "f:1:4", "does not allow"),
        ("a: \U0001f600\x01", "f:1:5", "does not allow"),
    ],
)
def test_a_fault_is_refused_at_its_place(source: str, place: str, words: str) -> None:
    with pytest.raises(Misdeclared, match=words) as caught:
        parse(source, "f")
    assert caught.value.place == place


def test_nesting_is_bounded() -> None:
    assert parse("[" * DEPTH_LIMIT + "]" * DEPTH_LIMIT, "f").value is not None
    with pytest.raises(Misdeclared, match="nested deeper"):
        parse("[" * 100_000, "f")


def test_length_is_bounded() -> None:
    with pytest.raises(Misdeclared, match="longer than"):
        parse("a" * (SIZE_LIMIT + 1), "f")


SOURCE = """
plain: alpha beta
double: "a\\tb \\u00e9 \\"q\\" end"
single: 'it''s here'
long: one &&
    two &&

    three
folded: >-
    one
    two
literal: |  # as it stands
    first
      second
escaped: "one \\
    two"
"""


@pytest.mark.parametrize(
    ("key", "word"),
    [
        ("plain", "alpha"),
        ("plain", "beta"),
        ("double", "end"),
        ("single", "here"),
        ("single", "it"),
        ("long", "two"),
        ("long", "three"),
        ("folded", "one"),
        ("folded", "two"),
        ("literal", "first"),
        ("literal", "second"),
        ("escaped", "two"),
    ],
)
def test_a_word_inside_a_text_is_found_in_the_file_in_every_style(key: str, word: str) -> None:
    document = parse(SOURCE, "f")
    assert isinstance(document.value, dict)
    text = document.value[key]
    assert isinstance(text, str)
    block = SOURCE.index(f"{key}:")
    index = SOURCE.index(word, block + len(key) + 1)
    line = SOURCE.count("\n", 0, index) + 1
    column = index - SOURCE.rfind("\n", 0, index)
    assert document.place((key,), text.index(word)) == f"f:{line}:{column}"


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]) | st.sampled_from(" '\"\\"), min_size=1),
    st.data(),
)
def test_each_character_of_a_single_quoted_text_is_found(text: str, data: st.DataObject) -> None:
    offset = data.draw(st.integers(0, len(text) - 1))
    source = "- '" + text.replace("'", "''") + "'"
    document = parse(source, "f")
    assert document.value == [text]
    quotes = text[:offset].count("'")
    assert document.place((0,), offset) == f"f:1:{4 + offset + quotes}"


class Inner(Declaration):
    name: str
    size: int = 0


class Outer(Declaration):
    parts: tuple[Inner, ...]


FAULTY = """parts:
  - name: a
    size: "5"
  - size: 3
  - name: 12
    siez: 4
"""


def test_a_model_reports_every_fault_with_its_place() -> None:
    with pytest.raises(Misdeclarations) as caught:
        parse(FAULTY, "dir/f.yaml").check(Outer)
    assert [str(error) for error in caught.value.errors] == [
        "dir/f.yaml:3:11: size: Input should be a valid integer, not '5'",
        "dir/f.yaml:4:5: 'name' is missing",
        "dir/f.yaml:5:11: name: Input should be a valid string, not 12",
        "dir/f.yaml:6:5: unknown key 'siez'",
    ]


def test_a_sound_file_becomes_its_model() -> None:
    model: BaseModel = parse("parts: [{name: a, size: 3}]", "f").check(Outer)
    assert model == Outer(parts=(Inner(name="a", size=3),))


@given(st.text(max_size=200))
def test_any_text_is_parsed_or_refused_and_never_crashes(source: str) -> None:
    with suppress(Misdeclared):
        assert parse(source, "f").source == source
