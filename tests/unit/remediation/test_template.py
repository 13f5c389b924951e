"""The operator's own words for notes."""

import re
from pathlib import Path

import pytest
from tests.unit.remediation.conftest import MakePlan

from firstline.connector import Fact, Note
from firstline.declaration import Json
from firstline.incident import Incident
from firstline.remediation.note.template import LIMIT, VARIABLES, Notes, faults, variables

REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "files.md"

BUILT_IN = Note(key="r.outcome", headline="built in", facts=(Fact(label="Runbook", value="restart-web"),), output="out")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "notes"
    (made / "servicenow").mkdir(parents=True)
    return made


def test_without_a_template_the_built_in_words_stay(folder: Path) -> None:
    assert Notes(folder).compose("outcome", "servicenow", BUILT_IN, {}) == (BUILT_IN, "")
    assert Notes().compose("outcome", "servicenow", BUILT_IN, {}) == (BUILT_IN, "")


def test_the_first_line_is_the_headline_and_the_rest_the_body(
    folder: Path, make_plan: MakePlan, incident: Incident
) -> None:
    template = """\
{{ incident.reference.number }}: {{ headline }}

{% for label, value in facts|items %}
{{ loop.index }}. {{ label }} = {{ value }}
{% endfor %}
{{ output }}
"""
    (folder / "outcome.txt").write_text(template)
    told = variables(make_plan(), incident, "https://hub/remediations/r")
    note, fault = Notes(folder).compose("outcome", "servicenow", BUILT_IN, told)
    assert fault == ""
    assert (note.key, note.headline) == ("r.outcome", "INC0012345: built in")
    assert note.body == "1. Runbook = restart-web\nout"
    assert (note.facts, note.output) == ((), "")


def test_a_connections_own_template_goes_before_the_common_one(folder: Path) -> None:
    (folder / "outcome.txt").write_text("for all")
    (folder / "servicenow" / "outcome.txt").write_text("for servicenow")
    notes = Notes(folder)
    assert notes.compose("outcome", "servicenow", BUILT_IN, {}).note.headline == "for servicenow"
    assert notes.compose("outcome", "jira", BUILT_IN, {}).note.headline == "for all"


def test_what_a_ticket_says_is_never_a_template(folder: Path) -> None:
    (folder / "outcome.txt").write_text("{{ reason }}")
    told = {"reason": "{{ 7 * 7 }}{% include 'x' %}"}
    note, _ = Notes(folder).compose("outcome", "servicenow", BUILT_IN, told)
    assert note.headline == told["reason"]


@pytest.mark.parametrize(
    "source",
    [
        "{{ no_such_name }}",
        "{{ facts.no_such_label }}",
        "{{ 'x' * 100000000 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ '%0999999999d' % 1 }}",
        "{{ reason.format(1) }}",
        "{{ ''.__class__.__mro__ }}",
        "{% for _ in facts %}{{ 1 / 0 }}{% endfor %}",
        "{% include 'absent.txt' %}",
        "{% if %}",
        "   \n",
        "x" * (LIMIT + 1),
    ],
)
def test_a_template_that_fails_leaves_the_built_in_words_and_says_so(folder: Path, source: str) -> None:
    (folder / "outcome.txt").write_text(source)
    note, fault = Notes(folder).compose("outcome", "servicenow", BUILT_IN, {"reason": "{}"})
    assert note == BUILT_IN
    assert fault.startswith("The template outcome.txt failed")


def test_a_template_that_is_edited_is_used_with_the_next_note(folder: Path) -> None:
    notes = Notes(folder)
    for words in ("before", "after it was edited"):
        (folder / "outcome.txt").write_text(words)
        assert notes.compose("outcome", "servicenow", BUILT_IN, {}).note.headline == words


def test_the_example_of_the_reference_has_no_mistakes_and_names_every_variable(
    folder: Path, make_plan: MakePlan, incident: Incident
) -> None:
    (example,) = re.findall(r"```jinja\n(.*?)```", REFERENCE.read_text(), re.DOTALL)
    (folder / "outcome.txt").write_text(example)
    assert list(faults(folder)) == []
    built_in = BUILT_IN.model_copy(update={"facts": (Fact(label="Approved by", value="ada"),)})
    told = {**variables(make_plan(), incident, "https://hub/r"), "change": "CHG1 in servicenow", "log": "https://log"}
    findings: Json = [{"phase": "after", "name": "the shop answers", "ok": True, "detail": "held for 2 s"}]
    note, fault = Notes(folder).compose("outcome", "servicenow", built_in, {**told, "findings": findings})
    assert fault == ""
    assert note.headline == "INC0012345: built in"
    assert "CHG1 in servicenow, approved by ada." in note.body
    assert "Proof: the shop answers: yes held for 2 s" in note.body
    named = set(re.findall(r"`(\w+)`", "".join(re.findall(r"(?m)^\| (.*?) \|", REFERENCE.read_text()))))
    assert set().union(*VARIABLES.values()) <= named


def test_mistakes_are_found_with_their_place(folder: Path) -> None:
    (folder / "outcome.txt").write_text("{{ headline }}\n{% if change %}\n")
    (folder / "start.txt").write_text("{{ headline }}\n\n{{ aproved_by }}\n")
    (folder / "servicenow" / "question.txt").write_text("{{ headline }}\n{{ plan|shout }}\n")
    (folder / "outcom.txt").write_text("x")
    (folder / "_footer.txt").write_text("{{ anything }}")
    (folder / "suggestion.txt").write_text("{% set all = steps|join('; ') %}{{ headline }}\n{{ all }}{{ url }}")
    found = {error.place: error.reason for error in faults(folder)}
    assert set(found) == {
        f"{folder}/outcome.txt:2:1",
        f"{folder}/start.txt:3:1",
        f"{folder}/servicenow/question.txt:2:1",
        f"{folder}/outcom.txt",
    }
    assert "aproved_by" in found[f"{folder}/start.txt:3:1"]


def test_a_folder_that_is_not_there_has_no_mistakes(tmp_path: Path) -> None:
    assert list(faults(tmp_path / "absent")) == []
