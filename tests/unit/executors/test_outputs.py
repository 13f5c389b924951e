"""What a run gave to be worked with."""

import pytest

from firstline.executor import OUTPUT
from firstline.executors import outputs
from firstline.executors.outputs import LIMIT, parse
from firstline.executors.process import look, run_directory


def test_nothing_is_no_outputs() -> None:
    assert parse("") == parse("\n\n") == {}


def test_lines_are_keys_and_texts() -> None:
    assert parse("pid=12\nPATH_1=/a=b c \r\nempty=\n") == {"pid": "12", "PATH_1": "/a=b c ", "empty": ""}


def test_of_two_with_one_key_the_later_counts() -> None:
    assert parse("a=1\na=2") == {"a": "2"}


def test_an_object_keeps_its_types() -> None:
    assert parse(' {"a": [1, null], "b": {"c": "é"}} ') == {"a": [1, None], "b": {"c": "é"}}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("no equals", "line 1 is not key=value"),
        ("a=1\n=2", "line 2 is not key=value"),
        ("a b=1", "line 1"),
        ("[1]", "line 1"),
        ('{"a": 1', "begin as JSON"),
        ('{"a": NaN}', "can't be used"),
        (r'{"a": "\ud800"}', "can't be used"),
        ('{"a":' * 10_000, "can't be used|begin as JSON"),
        ("a=" + "x" * LIMIT, "more than 65536 bytes"),
        ("a=" + "é" * (LIMIT // 2), "more than 65536 bytes"),
    ],
)
def test_what_can_not_be_used_is_told_why(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        parse(text)


def test_a_fault_shows_nothing_of_the_content() -> None:
    with pytest.raises(ValueError, match="line 1") as raised:
        parse("s3cret-value")
    assert "s3cret" not in str(raised.value)


def test_what_hosts_run_without_packages_agrees_with_the_contract() -> None:
    assert run_directory.OUTPUT == OUTPUT
    assert look.OUTPUTS == outputs.LIMIT
