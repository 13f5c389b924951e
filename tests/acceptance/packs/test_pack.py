"""What holds for every ready-made pack."""

import ast
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.acceptance.packs.conftest import PACKS

import firstline.cli
from firstline.mapping import load_packs
from firstline.mapping.testing import run
from firstline.runbook import Runbook

FOUND = load_packs(PACKS)
CHANGING = [
    each for pack in FOUND.names for each in FOUND.runbooks.values() if each.changes and pack in each.folder.parts
]
SCRIPTS = sorted(path for path in PACKS.glob("*/runbooks/*/*") if path.suffix != ".yaml" and path.is_file())


def test_what_changes_something_never_runs_by_itself() -> None:
    changing = {each.folder for each in CHANGING}
    modes = {
        mode
        for mapping in FOUND.mappings
        if FOUND.runbook(mapping.pack, mapping.declaration.runbook).folder in changing
        for mode in mapping.declaration.mode.values()
    }
    assert modes == {"approve"}


@pytest.mark.parametrize("runbook", CHANGING, ids=lambda each: each.id)
def test_what_changes_something_looks_first_and_proves_it(runbook: Runbook) -> None:
    declared = runbook.declaration
    assert declared.before
    assert declared.after
    assert declared.diagnose
    assert len(declared.steps) > 1
    assert declared.change is not None
    assert declared.change.risk
    assert declared.change.backout
    assert declared.limits.targets == 1
    assert all(each.pattern or each.enum for each in declared.inputs.values() if each.type == "string")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_scripts_run_where_only_an_old_python_or_a_plain_shell_is(script: Path) -> None:
    text = script.read_text()
    if text.startswith("#!/usr/bin/env python3\n"):
        ast.parse(text, feature_version=(3, 8))
        return
    assert text.startswith("#!/bin/sh\n")
    assert subprocess.run(["sh", "-n", script], check=False).returncode == 0


@pytest.mark.parametrize("with_first_steps", [False, True])
def test_what_they_say_of_themselves_holds_beside_the_pack_of_a_new_folder(
    tmp_path: Path, with_first_steps: bool
) -> None:
    shutil.copytree(Path(firstline.cli.__file__).parent / "template" / "mappings", tmp_path / "mappings")
    for pack in PACKS.iterdir():
        if pack.name != "first-steps":
            shutil.copytree(pack, tmp_path / "mappings" / pack.name)
        elif with_first_steps:
            shutil.rmtree(tmp_path / "mappings" / "first-steps")
            shutil.copytree(pack, tmp_path / "mappings" / "first-steps")
    report = run(load_packs(tmp_path / "mappings"))
    assert [(each.name, each.differences) for each in report.results if each.differences] == []
    assert report.uncovered == ()


def test_what_an_operator_puts_into_the_inputs_of_a_mapping_breaks_none_of_its_cases(tmp_path: Path) -> None:
    shutil.copytree(PACKS, tmp_path / "mappings")
    for mapping in tmp_path.glob("mappings/*/mapping.yaml"):
        own = re.sub(r"^(      \w+: .*)example\.com", r"\1other.test", mapping.read_text(), flags=re.MULTILINE)
        mapping.write_text(own)
    report = run(load_packs(tmp_path / "mappings"))
    assert [(each.name, each.differences) for each in report.results if each.differences] == []
