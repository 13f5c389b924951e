import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstline.declaration import Json
from firstline.errors import Rejected
from firstline.expression import ExpressionFault, Scope, Template
from firstline.expression.template import RESULT_LIMIT, TEXT_LIMIT

SCOPE = Scope({"title": "string", "port": "integer", "ratio": "number", "data": "map"})
BINDINGS = SCOPE.bind({"title": "${{ port }}", "port": 8080, "ratio": 2.0, "data": {"none": None, "list": [1]}})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("", ""),
        ("${{ port }}", 8080),
        ("${{port}}", 8080),
        ("port ${{ port }}/${{ ratio }} ${{ true }}", "port 8080/2 true"),
        ("${{ port }} ", "8080 "),
        ("${{ {'a': {'b': 1}} }}", {"a": {"b": 1}}),
        ("${{ {'a': {'b': 1}}}}", {"a": {"b": 1}}),
        ("${{ '}}' }}", "}}"),
        ("""${{ "'}}" }}|${{ '''a'}}''' }}""", "'}}|a'}}"),
        (r"${{ r'\d' + 'x' }}", "\\dx"),
        ('${{ "${{" }} as it is', "${{ as it is"),
        ("a }} b $ {{ c", "a }} b $ {{ c"),
        ("${{ data.list }}", [1]),
        ("${{ data.none }}", None),
    ],
)
def test_a_template_gives_its_value(text: str, value: Json) -> None:
    found = Template(SCOPE, text).evaluate(BINDINGS)
    assert found == value
    assert type(found) is type(value)


def test_a_value_is_never_read_as_a_template_again() -> None:
    assert Template(SCOPE, "${{ title }}").evaluate(BINDINGS) == "${{ port }}"
    assert Template(SCOPE, "see ${{ title }}").evaluate(BINDINGS) == "see ${{ port }}"


@pytest.mark.parametrize(
    ("text", "offset", "words"),
    [
        ("abc ${{ port", 4, "without its"),
        ("${{ }}", 4, "missing"),
        ("${{ prot }}", 4, "is it 'port'"),
        ("${{ port }} and ${{  nothing }}", 21, "unknown name 'nothing'"),
        ("${{ 'a }}", 4, "has no end"),
        ("a" * (TEXT_LIMIT + 1), TEXT_LIMIT, "longer than"),
    ],
)
def test_a_faulty_template_is_refused_at_its_place(text: str, offset: int, words: str) -> None:
    with pytest.raises(ExpressionFault, match=words) as caught:
        Template(SCOPE, text)
    assert caught.value.offset == offset


@pytest.mark.parametrize(
    ("text", "words"), [("a ${{ data.none }}", "null is no text"), ("a ${{ data.list }}", "a list is no text")]
)
def test_what_is_no_text_does_not_go_into_one(text: str, words: str) -> None:
    with pytest.raises(Rejected, match=words):
        Template(SCOPE, text).evaluate(BINDINGS)


def test_a_list_is_never_made_into_one_argument() -> None:
    with pytest.raises(Rejected, match="a list is no text"):
        Template(SCOPE, "${{ data.list }}").text(BINDINGS)


def test_the_result_is_bounded() -> None:
    large = SCOPE.bind({"title": "x" * (RESULT_LIMIT // 2 + 1)})
    assert Template(SCOPE, "${{ title }}").evaluate(large)
    for text in ("${{ title }}${{ title }}", "${{ title + title }}"):
        with pytest.raises(Rejected, match="longer than"):
            Template(SCOPE, text).evaluate(large)


def test_a_template_knows_whether_it_is_a_literal_and_its_type() -> None:
    assert [Template(SCOPE, text).literal for text in ("", "a", "${{ 1 }}", "a${{ 1 }}")] == [True, True, False, False]
    assert [Template(SCOPE, text).type for text in ("a", "${{ 1 }}", "a${{ 1 }}")] == ["string", "integer", "string"]


def literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"'


texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20) | st.sampled_from(
    ["}}", "${{", "'", '"', "{", "\\"]
)


@given(st.lists(st.tuples(texts.filter(lambda text: "$" not in text), texts), max_size=4))
def test_any_text_inside_an_expression_comes_out_as_it_went_in(parts: list[tuple[str, str]]) -> None:
    source = "|" + "".join(f"{outside}${{{{ {literal(inside)} }}}}" for outside, inside in parts)
    assert Template(SCOPE, source).evaluate(BINDINGS) == "|" + "".join(outside + inside for outside, inside in parts)
