import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from firstline.declaration import Json
from firstline.errors import Rejected
from firstline.runbook import Input, validate
from firstline.runbook.input import pattern_fault

ADAPTER: TypeAdapter[Input] = TypeAdapter(Input)


def declared(**keys: object) -> Input:
    return ADAPTER.validate_python(keys, strict=False)


@pytest.mark.parametrize(
    ("one", "given", "value"),
    [
        (declared(type="string"), "8080", "8080"),
        (declared(type="string"), "", ""),
        (declared(type="string", pattern="[a-z]+"), "shop", "shop"),
        (declared(type="string", pattern="a|b"), "b", "b"),
        (declared(type="string", enum=("a", "b")), "a", "a"),
        (declared(type="integer", minimum=1), 1, 1),
        (declared(type="integer"), 3.0, 3),
        (declared(type="number"), 3, 3.0),
        (declared(type="boolean"), False, False),
    ],
)
def test_a_value_that_fits_is_taken_with_its_type(one: Input, given: Json, value: Json) -> None:
    found = validate({"x": one}, {"x": given})["x"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("one", "given", "words"),
    [
        (declared(type="string"), 8080, "must be text"),
        (declared(type="string"), None, "must be text"),
        (declared(type="string"), ["a"], "must be text"),
        (declared(type="string"), "a\0b", "no command can take"),
        (declared(type="string"), "a\ud800", "no command can take"),
        (declared(type="string"), "x" * 1001, "has 1001 characters, not 0 to 1000"),
        (declared(type="string", min_length=2), "x", "has 1 characters"),
        (declared(type="string", pattern="[a-z]+"), "shop; rm -rf /", "does not match"),
        (declared(type="string", pattern="[a-z]+"), "shop\n", "does not match"),
        (declared(type="string", pattern="a|b"), "ab", "does not match"),
        (declared(type="string", pattern="(?m)a$"), "a\nb", "does not match"),
        (declared(type="string", enum=("a",)), "b", "must be one of a"),
        (declared(type="integer"), "3", "must be a number"),
        (declared(type="integer"), True, "must be a number"),
        (declared(type="integer"), 3.5, "whole number"),
        (declared(type="integer"), 2**63, "64 bits"),
        (declared(type="integer"), 1e300, "whole number"),
        (declared(type="integer", minimum=1), 0, "at least 1, not 0"),
        (declared(type="number", maximum=1.5), 1.6, "at most 1.5, not 1.6"),
        (declared(type="number"), float("nan"), "must be a number"),
        (declared(type="number"), "1.5", "must be a number"),
        (declared(type="boolean"), "true", "true or false"),
        (declared(type="boolean"), 1, "true or false"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_in_words(one: Input, given: Json, words: str) -> None:
    with pytest.raises(Rejected, match=words):
        validate({"x": one}, {"x": given})


def test_every_fault_is_named_at_once() -> None:
    inputs = {"a": declared(type="string"), "b": declared(type="integer")}
    with pytest.raises(Rejected, match=r"inputs: c: the runbook has no such input; a: is missing; b: must be a number"):
        validate(inputs, {"b": "1", "c": 2})


def test_a_default_stands_in_and_the_order_is_the_declared_one() -> None:
    inputs = {"a": declared(type="boolean", default=False), "b": declared(type="integer")}
    assert list(validate(inputs, {"b": 1}).items()) == [("a", False), ("b", 1)]


def test_a_long_value_is_quoted_in_part() -> None:
    with pytest.raises(Rejected) as caught:
        validate({"x": declared(type="integer")}, {"x": "y" * 10_000})
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("pattern", ["[", "a)|(b", "(?=a)", "a{1,5000}"])
def test_a_pattern_that_is_none_is_found_beforehand(pattern: str) -> None:
    assert pattern_fault(pattern)


def test_a_hostile_text_does_not_make_a_pattern_slow() -> None:
    with pytest.raises(Rejected, match="does not match"):
        validate({"x": declared(type="string", pattern="(a+)+", max_length=30_000)}, {"x": "a" * 29_999 + "!"})


@given(st.text(max_size=30))
def test_a_pattern_matches_the_whole_text_or_not_at_all(text: str) -> None:
    fits = bool(text) and all("a" <= each <= "z" for each in text)
    try:
        validate({"x": declared(type="string", pattern="[a-z]+")}, {"x": text})
    except Rejected:
        assert not fits
    else:
        assert fits
