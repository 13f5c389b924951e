"""A sandbox with faults, from the command line."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from firstline.cli import command_line
from firstline.errors import Misdeclared


def refused(*arguments: str) -> str:
    """What a sandbox that must not start says."""
    ended = CliRunner().invoke(command_line("sandbox"), ["sandbox", "jira", *arguments])
    assert isinstance(ended.exception, Misdeclared), ended.output
    return str(ended.exception)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ("rate=0.1", "rate: Extra inputs are not permitted"),
        ("slow", "slow: Input should be a valid number"),
        ("slow=0.9,rate_limit=0.9", "can't be more than 1"),
    ],
)
def test_faults_that_can_not_be_are_named_with_those_that_can(told: str, words: str) -> None:
    said = refused("--chaos", told)
    assert said.startswith("--chaos: ")
    assert words in said
    assert "hook_reorder" in said


def test_a_file_of_faults_is_named_with_what_is_wrong_in_it(tmp_path: Path) -> None:
    path = tmp_path / "storm.json"
    path.write_text('{"hook_lost": 2}')
    said = refused("--chaos-file", str(path))
    assert said.startswith(f"{path}: hook_lost: ")
