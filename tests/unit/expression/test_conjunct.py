import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstline.errors import Rejected
from firstline.expression import Scope
from firstline.expression.conjunct import conjuncts

SCOPE = Scope({"a": "any", "b": "any", "c": "any", "text": "string"})


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a", ["a"]),
        ("a && b&&c", ["a", "b", "c"]),
        ("a && b || c", ["a && b || c"]),
        ("a || b && c", ["a || b && c"]),
        ("(a || b) && c", ["(a || b)", "c"]),
        ("a ? b && c : a", ["a ? b && c : a"]),
        ("[a && b].exists(x, x) && c", ["[a && b].exists(x, x)", "c"]),
        ("text == '&&' && text != \"a || b\"", ["text == '&&'", 'text != "a || b"']),
        ("text == r'\\' && text == '''a' && b'''", ["text == r'\\'", "text == '''a' && b'''"]),
        ("a && // first && second\n b", ["a", "b"]),
        ("// why\na\n&& b // end", ["a", "b"]),
    ],
)
def test_a_condition_is_split_at_the_top_level(text: str, parts: list[str]) -> None:
    found = conjuncts(text)
    assert [part.text for part in found] == parts
    assert all(text.startswith(part.text, part.offset) for part in found)


atoms = st.sampled_from(
    [
        "a",
        "b",
        "c",
        "true",
        "!b",
        "text == '&& ||'",
        'text == "?"',
        "[a, b].exists(x, x)",
        "{'k': a}.k",
        "(c)",
        "b // && a\n",
    ]
)
expressions = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(" && ".join),
        st.tuples(inner, inner).map("&&".join),
        st.tuples(inner, inner).map(" || ".join),
        st.tuples(inner, inner, inner).map(lambda parts: f"{parts[0]} ? {parts[1]} : {parts[2]}"),
        inner.map("({})".format),
    ),
    max_leaves=6,
)
values = st.booleans() | st.none() | st.just(1)


def holds(text: str, bindings: object) -> bool:
    try:
        return SCOPE.compile(text).test(bindings)  # type: ignore[arg-type]
    except Rejected:
        return False


@given(expressions, values, values, values)
def test_the_whole_is_true_exactly_when_each_part_is(text: str, a: bool | None, b: bool | None, c: bool | None) -> None:
    bindings = SCOPE.bind({"a": a, "b": b, "c": c, "text": "?"})
    assert holds(text, bindings) == all(holds(part.text, bindings) for part in conjuncts(text))
