"""The examples of the reference of users' files, held against the code."""

import json
import re
from pathlib import Path

import pytest

from firstline.mapping import load_packs
from firstline.mapping.testing import run

REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "files.md"
HUNG = {
    "type": "incident.opened",
    "incident": {
        "title": "shop does not answer",
        "service": "shop",
        "reference": {"connection": "snow", "kind": "incident", "id": "abc", "number": "INC0012345"},
    },
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    mapping, tests, runbook = re.findall(r"```yaml\n(.*?)```", REFERENCE.read_text(), re.DOTALL)
    pack = tmp_path / "pack"
    scripts = pack / "runbooks" / "restart-web"
    scripts.mkdir(parents=True)
    (pack / "events").mkdir()
    (pack / "mapping.yaml").write_text(mapping)
    (pack / "tests.yaml").write_text(tests)
    (pack / "events" / "hung.json").write_text(json.dumps(HUNG))
    (scripts / "runbook.yaml").write_text(runbook)
    for name in ("probe", "find", "restart", "diagnose"):
        (scripts / name).touch(mode=0o755)
    return tmp_path


def test_the_examples_of_the_reference_have_no_mistakes(folder: Path) -> None:
    packs = load_packs(folder)
    assert packs.errors == []
    assert [mapping.name for mapping in packs.mappings] == ["pack/web-hung"]


def test_the_example_case_of_the_reference_passes(folder: Path) -> None:
    report = run(load_packs(folder))
    assert [result.differences for result in report.results] == [()]
    assert report.passed
    assert report.uncovered == ()
