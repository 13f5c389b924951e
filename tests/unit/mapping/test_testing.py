import json
from collections.abc import Callable
from pathlib import Path

import pytest

from firstline.errors import Misdeclared
from firstline.mapping import Packs
from firstline.mapping.event_file import OCCURRED, load_event
from firstline.mapping.testing import Report, run

MAPPINGS = """\
  - id: hung
    when: incident.service == "shop"
    runbook: fix
    inputs: {app: "${{ incident.title }}", port: 8080}
    mode: {default: approve, staging: auto}
    dedupe: ${{ incident.service }}
  - {id: never, when: 'incident.service == "never"', runbook: look, inputs: {app: a}}
"""
CASE = """\
cases:
  - name: a hung shop
    event: events/hung.json
    expect:
      mapping: hung
      mode: approve
      inputs: {app: answers-not, port: 8080}
      dedupe: shop
"""
REFERENCE = {"connection": "c", "kind": "incident", "id": "1"}


@pytest.fixture
def tested(write: Callable[..., Packs], tmp_path: Path) -> Callable[[str], Report]:
    def test(cases: str) -> Report:
        packs = write(MAPPINGS, tests=cases)
        assert packs.errors == []
        (tmp_path / "shop" / "events").mkdir()
        for name, service, title in (("hung", "shop", "answers-not"), ("other", "web", ""), ("evil", "shop", "$(x)")):
            event = {
                "type": "incident.opened",
                "incident": {"service": service, "title": title, "reference": REFERENCE},
            }
            (tmp_path / "shop" / "events" / f"{name}.json").write_text(json.dumps(event))
        return run(packs)

    return test


Tested = Callable[[str], Report]


def test_a_case_that_holds_passes_and_what_it_leaves_uncovered_is_named(tested: Tested) -> None:
    report = tested(CASE)
    assert report.passed
    assert [result.name for result in report.results] == ["a hung shop"]
    assert report.uncovered == ("shop/never",)


@pytest.mark.parametrize(
    ("old", "new", "difference"),
    [
        ("mapping: hung", "mapping: never", "mapping: expected shop/never, got shop/hung"),
        ("mapping: hung", "mapping: null", "mapping: expected nothing, got shop/hung"),
        ("hung.json", "other.json", "mapping: expected shop/hung, got nothing"),
        ("mode: approve", "mode: auto", "mode: expected 'auto', got 'approve'"),
        ("8080", "8081", "'port': 8081"),
        (", port: 8080", "", "'port': 80,"),
        ("{app: answers-not, port: 8080}", "{app: answers-not, port: 8080, dry: 0}", "'dry': 0"),
        ("dedupe: shop", "dedupe: web", "dedupe: expected 'web', got 'shop'"),
        ("hung.json", "evil.json", "error: expected 'none', got \"shop/hung matches, but inputs: app:"),
        ("mode: approve", "error: a word", "error: expected 'a word', got 'none'"),
    ],
)
def test_a_case_that_differs_fails_and_says_how(
    tested: Tested, tmp_path: Path, old: str, new: str, difference: str
) -> None:
    assert old in CASE
    report = tested(CASE.replace(old, new))
    (result,) = report.results
    assert not report.passed
    assert result.place == f"{tmp_path}/shop/tests.yaml:2:11"
    (found,) = result.differences
    assert difference in found


@pytest.mark.parametrize(
    "case",
    [
        "{name: x, event: events/other.json, expect: {mapping: null}}",
        "{name: x, event: events/hung.json, expect: {mapping: shop/hung}}",
        "{name: x, event: events/hung.json, environment: staging, expect: {mapping: hung, mode: auto}}",
        "{name: x, event: events/evil.json, expect: {mapping: hung, error: does not match}}",
    ],
)
def test_a_case_compares_only_what_it_names(tested: Tested, case: str) -> None:
    assert tested(f"cases:\n  - {case}\n").passed


@pytest.mark.parametrize(
    ("cases", "place", "words"),
    [
        (CASE.replace("event: events/hung.json\n", "events: x\n"), "tests.yaml:3:5", "unknown key 'events'"),
        (CASE.replace("      mapping: hung\n", ""), "tests.yaml:5:7", "'mapping' is missing"),
        (CASE.replace("hung.json", "none.json"), "tests.yaml:3:12", "there is no "),
        (CASE.replace("events/hung", "../../x"), "tests.yaml:3:12", "must stand in the pack"),
    ],
)
def test_a_faulty_case_is_named_with_its_place(tested: Tested, cases: str, place: str, words: str) -> None:
    report = tested(cases)
    assert not report.passed
    assert any(place in error.place and words in error.reason for error in report.errors), report.errors


def test_a_pack_without_cases_is_sound_and_uncovered(write: Callable[..., Packs]) -> None:
    report = run(write(MAPPINGS))
    assert report.passed
    assert report.uncovered == ("shop/hung", "shop/never")


def test_an_event_file_says_only_what_matters(tmp_path: Path) -> None:
    file = tmp_path / "hung.json"
    file.write_text(json.dumps({"type": "incident.opened", "incident": {"title": "x", "reference": REFERENCE}}))
    event = load_event(file)
    assert (event.id, event.occurred_at.isoformat()) == ("hung", OCCURRED.replace("Z", "+00:00"))
    assert event.reference is not None
    assert event.reference.id == "1"


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ('{"type": "ping",\n "x" 1}', "2:6", "Expecting ':'"),
        ("[]", "1:1", "an event is a JSON object"),
        ('{"type": "incident.open", "reference": null}', "1:1", "type: Input should be"),
        ('{"type": "ping", "titel": 1}', "1:1", "titel: Extra inputs"),
        ("[" * 100_000, "1:1", "nested too deep"),
    ],
)
def test_a_faulty_event_file_is_named(tmp_path: Path, text: str, place: str, words: str) -> None:
    file = tmp_path / "event.json"
    file.write_text(text)
    with pytest.raises(Misdeclared, match=words) as caught:
        load_event(file)
    assert str(caught.value).startswith(f"{file}:{place}: ")
