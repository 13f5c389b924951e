"""Where in an answer something stands."""

from typing import Any

import pytest

from firstline.executors.web_call.path import find, parse, word

ANSWER: dict[str, Any] = {"job": {"id": 7, "a b": [1, [2, {"c-d": None}]]}, "ok": True, "größe": "x"}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$", ANSWER),
        ("", ANSWER),
        ("$.job.id", 7),
        ("job.id", 7),
        ('job["a b"][0]', 1),
        ("$['job']['a b'][-1][1].c-d", None),
        ("größe", "x"),
    ],
)
def test_names_and_indexes_lead_to_one_thing(path: str, value: Any) -> None:
    assert find(ANSWER, path) == value


@pytest.mark.parametrize(
    "path", ["$..id", "$.*", "job.", "a b", "$job", "[*]", "[0:1]", "[?(@.a)]", "a[", "[x]", "job id"]
)
def test_what_could_lead_to_two_things_or_to_none_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="is no path"):
        parse(path)


@pytest.mark.parametrize(
    ("path", "so_far"),
    [
        ("$.job.name", "$.job"),
        ("job.id.x", "$.job.id"),
        ("job['a b'][2]", "$.job.a b"),
        ("job['a b'][-3]", "$.job.a b"),
    ],
)
def test_a_path_that_leads_nowhere_says_how_far_it_led(path: str, so_far: str) -> None:
    with pytest.raises(LookupError) as error:
        find(ANSWER, path)
    assert str(error.value).endswith(f"leads as far as {so_far}")


def test_a_word_is_what_people_would_write() -> None:
    assert [word(value) for value in ("done", 3, 1.5, True)] == ["done", "3", "1.5", "true"]
    nothing: tuple[Any, ...] = (None, [], {})
    for value in nothing:
        with pytest.raises(LookupError):
            word(value)
