from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from firstline.declaration import Json
from firstline.errors import Rejected
from firstline.expression import ExpressionFault, Scope
from firstline.expression.expression import LENGTH_LIMIT

SCOPE = Scope(
    {
        "incident.title": "string",
        "incident.priority": "any",
        "incident.reference.id": "string",
        "incident.data": "map",
        "environment": "string",
        "inputs.port": "integer",
        "inputs.share": "number",
        "inputs.dry": "boolean",
    }
)
BINDINGS = SCOPE.bind(
    {
        "incident.title": "shop does not answer",
        "incident.priority": None,
        "incident.data": {"host": {"name": "web-1"}, "tags": ["a", None], "ratio": 3.0},
        "inputs.port": 8080,
        "inputs.share": 1,
        "inputs.dry": False,
    }
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("incident.title", "shop does not answer"),
        ("incident.priority", None),
        ("incident.data.host.name == 'web-1' && !inputs.dry", True),
        ("incident.data.tags", ["a", None]),
        ("incident.data.ratio == 3", True),
        ("inputs.port + 1", 8081),
        ("inputs.share", 1.0),
        ("1u", 1),
        ("{'a': [1.5, {'b': null}]}", {"a": [1.5, {"b": None}]}),
        ("'Shop'.lowerAscii()", "shop"),
        ("has(incident.data.nothing)", False),
        ("incident.priority != null && incident.priority <= 2", False),
    ],
)
def test_an_expression_gives_plain_json(text: str, value: Json) -> None:
    found = SCOPE.compile(text).evaluate(BINDINGS)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("incident.priority <= 2", r"<= can't be applied to \(null, int\)"),
        ("incident.data.nothing", "Key not found"),
        ("incident.data.host.name.x", "SELECT"),
        ("environment", "environment has no value here"),
        ("1 / 0", "divide by zero"),
        ("'a'.matches(incident.title + '[')", "regular expression"),
        ("1.0 / 0.0", "not a finite number"),
        ("{1: 2}", "key that is not text"),
        ("b'a'", "bytearray"),
        ("timestamp('2026-01-01T00:00:00Z')", "make it text with string"),
    ],
)
def test_what_cant_be_computed_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(Rejected, match=words):
        SCOPE.compile(text).evaluate(BINDINGS)


@pytest.mark.parametrize(
    ("text", "offset", "words"),
    [
        ("incident.titel == 'x'", 0, "unknown name 'incident.titel'; is it 'incident.title'"),
        ("true &&\n  incident.titel == ''", 10, "is it 'incident.title'"),
        ("incident.reference.nummer", 0, "unknown name"),
        ("incident", 0, "it has incident.data, incident.priority"),
        ("'é' + foo", 6, "unknown name 'foo'"),
        ("incident.title.nope()", 15, "unknown function 'nope'"),
        ("nope(1)", 0, "unknown function 'nope'"),
        ("incident.title == 1", 15, r"== can't be applied to \(string, int\)"),
        ("1 +", 3, "Syntax error"),
        ("'abc", 0, "Syntax error"),
        ("", 0, "expression is missing"),
        ("  \n", 0, "expression is missing"),
        ("'\0'", 1, "NUL"),
        ("x" * (LENGTH_LIMIT + 1), LENGTH_LIMIT, "longer than"),
        ("(" * 40 + "true" + ")" * 40, 0, "recursion limit"),
        ("true && has(incident.title)", 8, "always there"),
    ],
)
def test_a_faulty_expression_is_refused_at_its_place(text: str, offset: int, words: str) -> None:
    with pytest.raises(ExpressionFault, match=words) as caught:
        SCOPE.compile(text)
    assert caught.value.offset == offset


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("incident.title", "string"),
        ("inputs.port", "integer"),
        ("1.5", "number"),
        ("true", "boolean"),
        ("incident.priority", "any"),
        ("incident.data.x", "any"),
        ("[1]", "list<int>"),
    ],
)
def test_the_type_is_known_before_evaluation(text: str, kind: str) -> None:
    assert SCOPE.compile(text).type == kind


def test_a_condition_must_give_a_bool() -> None:
    with pytest.raises(Rejected, match="not true or false"):
        SCOPE.compile("incident.data.ratio").test(BINDINGS)


def test_a_runtime_error_is_never_taken_for_true() -> None:
    with pytest.raises(Rejected, match="Key not found"):
        SCOPE.compile("incident.data.nothing == 1").test(BINDINGS)


def test_iteration_is_bounded() -> None:
    ten = "[0,1,2,3,4,5,6,7,8,9]"
    text = f"{ten}.all(a, {ten}.all(b, {ten}.all(c, {ten}.all(d, {ten}.all(e, true)))))"
    with pytest.raises(Rejected, match="budget exceeded"):
        SCOPE.compile(text).test(BINDINGS)


def test_a_nul_does_not_cut_a_text_short() -> None:
    bindings = SCOPE.bind({"incident.title": "shop\0; or more", "incident.data": {"a\0b": 1}})
    assert not SCOPE.compile("incident.title == 'shop'").test(bindings)
    assert SCOPE.compile("incident.title").evaluate(bindings) == "shop\ufffd; or more"
    assert not SCOPE.compile("has(incident.data.a)").test(bindings)


def test_half_a_surrogate_pair_does_not_break_a_text() -> None:
    bindings = SCOPE.bind({"incident.title": "a\ud800b"})
    assert SCOPE.compile("incident.title").evaluate(bindings) == "a\ufffdb"


def test_a_number_beyond_64_bits_becomes_text_and_poisons_nothing() -> None:
    bindings = SCOPE.bind({"incident.data": {"id": 2**70, "ok": 1}})
    assert SCOPE.compile("incident.data.id").evaluate(bindings) == str(2**70)
    assert SCOPE.compile("incident.data.ok == 1").test(bindings)


def test_a_record_nested_without_end_breaks_nothing() -> None:
    deep: Json = {"end": 1}
    for _ in range(5000):
        deep = {"x": deep}
    bindings = SCOPE.bind({"incident.data": {"deep": deep, "ok": 1}})
    assert SCOPE.compile("incident.data.ok == 1").test(bindings)
    assert SCOPE.compile("has(incident.data.deep.x.x.x)").test(bindings)


def test_what_a_record_holds_beside_json_becomes_text() -> None:
    strange: dict[str, Any] = {"when": datetime(2026, 1, 2, tzinfo=UTC), "pair": (1, 2), "keys": {1: "one"}}
    bindings = SCOPE.bind({"incident.data": strange})
    assert SCOPE.compile("incident.data").evaluate(bindings) == {
        "when": "2026-01-02 00:00:00+00:00",
        "pair": [1, 2],
        "keys": {"1": "one"},
    }


def test_threads_share_an_expression() -> None:
    shared = SCOPE.compile("incident.title + '!'")

    def run(number: int) -> bool:
        bindings = SCOPE.bind({"incident.title": f"t{number}"})
        return all(shared.evaluate(bindings) == f"t{number}!" for _ in range(500))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(run, range(16)))
