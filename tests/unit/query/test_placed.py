import pytest

from firstline.errors import Rejected, Unavailable
from firstline.query.prometheus import answer_of, quoted
from firstline.query.source import Answer, placed


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("up{instance=:host}", 'up{instance="web1"}'),
        ("job:errors:rate5m{host=:host}", 'job:errors:rate5m{host="web1"}'),
        ("a:host:b + :host", 'a:host:b + "web1"'),
        (":hosts", ":hosts"),
        ("x::host", "x::host"),
    ],
)
def test_a_value_stands_where_its_name_does_and_nowhere_else(text: str, whole: str) -> None:
    assert placed(text, {"host": "web1"}, quoted) == whole


def test_a_value_is_not_searched_for_names() -> None:
    assert placed(":a :b", {"a": ":b", "b": "x"}, quoted) == '":b" "x"'


def test_a_value_cant_end_its_quotes() -> None:
    assert quoted('a"} or up{x="\\\n') == '"a\\"} or up{x=\\"\\\\\\n"'


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        ({"resultType": "vector", "result": [{"metric": {}, "value": [1, "0.5"]}]}, Answer(0.5, 1)),
        ({"resultType": "vector", "result": []}, Answer(None, 0)),
        ({"resultType": "vector", "result": [{"metric": {}, "value": [1, "NaN"]}]}, Answer(None, 1)),
        ({"resultType": "scalar", "result": [1, "3"]}, Answer(3.0, 1)),
        ({"resultType": "string", "result": [1, "x"]}, Answer("x", 1)),
    ],
)
def test_the_first_value_counts(data: object, answer: Answer) -> None:
    assert answer_of({"status": "success", "data": data}) == answer


@pytest.mark.parametrize("body", [{}, [], {"data": {"resultType": "vector", "result": [{}]}}, "x"])
def test_what_prometheus_would_not_say_is_refused(body: object) -> None:
    with pytest.raises(Rejected, match="no answer of Prometheus"):
        answer_of(body)


def test_a_part_of_an_answer_is_none() -> None:
    nothing = {"resultType": "vector", "result": []}
    with pytest.raises(Unavailable, match="store-2: connection refused"):
        answer_of({"status": "success", "data": nothing, "warnings": ["store-2: connection refused"]})
    remark = "PromQL warning: encountered a mix of histograms and floats for aggregation (1:1)"
    assert answer_of({"status": "success", "data": nothing, "warnings": [remark]}) == Answer(None, 0)


def test_a_range_is_refused() -> None:
    with pytest.raises(Rejected, match="one value at a time"):
        answer_of({"data": {"resultType": "matrix", "result": []}})
