import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstline.declaration import Json, canonical, digest

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=10,
)


@given(values)
def test_the_canonical_form_is_json_of_the_same_value(value: Json) -> None:
    assert json.loads(canonical(value)) == value


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), st.integers(), max_size=6))
def test_the_order_of_keys_does_not_matter(value: dict[str, Json]) -> None:
    assert digest(value) == digest(dict(reversed(value.items())))


def test_a_whole_float_is_written_as_the_integer_it_is() -> None:
    assert canonical({"b": 30.0, "a": [1.5, -0.0, True, None]}) == b'{"a":[1.5,0,true,null],"b":30}'


def test_text_is_written_as_it_is() -> None:
    assert canonical('é\n"') == '"é\\n\\""'.encode()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1: 2}, b"x", {"a": {3}}])
def test_what_is_not_json_is_refused(value: Json) -> None:
    with pytest.raises(ValueError, match="canonical form"):
        canonical(value)


def test_different_values_have_different_digests() -> None:
    different: list[Json] = [1, "1", True, None, [1], {"1": 1}, []]
    assert len({digest(value) for value in different}) == 7
