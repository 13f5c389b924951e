import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from firstline.errors import Misdeclared
from firstline.runbook import Runbook, digest_of, load

Edited = Callable[[str, str], Runbook]


def test_a_sound_runbook_is_read(folder: Path) -> None:
    runbook = load(folder)
    assert (runbook.id, runbook.version, runbook.changes, runbook.folder) == ("restart-web", "1.2.0", True, folder)
    assert runbook.declaration.limits.timeout == 300
    assert runbook.declaration.limits.output == 65536
    assert runbook.declaration.after[0].every == 0.5
    assert runbook.declaration.rollback[0].timeout == 300


def test_a_runbook_that_only_reads_has_no_change(edited: Edited) -> None:
    change = "  type: standard\n  template: Restart web process\n  risk: The shop is down already.\n"
    assert not edited("change:\n" + change, "").changes
    assert not edited("change:\n" + change, "change: none\n").changes


@pytest.mark.parametrize(
    ("old", "new", "place", "words"),
    [
        ("id: restart-web", "id: restart", "1:5", "the id is 'restart' but the folder 'restart-web'"),
        ("version: 1.2.0", "version: 1.2", "2:10", "valid string, not 1.2"),
        ("version: 1.2.0", "version: v1", "2:10", "match pattern"),
        ("owner: team-shop\n", "", "1:1", "'owner' is missing"),
        ("owner: team-shop", "owner: team-shop\nnotify: x", "5:1", "unknown key 'notify'"),
        ("max_length: 40", "max_size: 40", "7:51", "unknown key 'max_size'"),
        ("type: integer", "type: int", "8:9", "does not match any of the expected tags"),
        ('pattern: "[a-z][a-z0-9-]*"', 'pattern: "a)|(b"', "7:32", "regular expression"),
        ("default: 8080", "default: 0", "8:62", "default must be at least 1, not 0"),
        ("default: 8080", 'default: "8080"', "8:62", "valid integer, not '8080'"),
        ("  app:", "  App:", "7:8", "match pattern"),
        ('["${{ inputs.app }}"]', "[]", "9:10", "at least one"),
        ('["${{ inputs.app }}"]', '[""]', "9:10", "at least one"),
        ('["${{ inputs.app }}"]', "${{ inputs.app }}", "9:10", "gives string, not a list"),
        ('targets: ["${{ inputs.app }}"]', 'targets: ["${{ inputs.ap }}"]', "9:16", "is it 'inputs.app'"),
        ('targets: ["${{ inputs.app }}"]', 'targets: ["${{ target }}"]', "9:16", "unknown name 'target'"),
        ("template: Restart web process", 'ci: "x"', "11:3", "needs `template`"),
        ("risk: The shop", "risk: ${{ target }} The shop", "13:13", "unknown name 'target'"),
        ("timeout: 5m", "timeout: 5", "14:19", "like 500ms, 30s"),
        ("timeout: 5m", "timeout: 0s", "14:19", "greater than 0"),
        ("limits:", "note: {text: x}\nlimits:", "14:7", "needs `public: true`"),
        ("limits:", "note: {public: true, text: '${{ target }}'}\nlimits:", "14:33", "unknown name 'target'"),
        ("output: 64KiB", "output: 64KB", "14:31", "a size is"),
        ('"./probe", "${{ inputs.port }}"', '"./probe", 8080', "17:22", "valid string, not 8080"),
        ("./probe", "./prob", "17:11", "not in the runbook's folder"),
        ("./probe", "bin/probe", "17:11", "begins with ./"),
        ("./probe", "./../probe", "17:11", "not in the runbook's folder"),
        ("./probe", "../probe", "17:11", "begins with ./"),
        ('"./probe"', '"${{ inputs.app }}"', "17:11", "may only choose its arguments"),
        ('"./probe"', '""', "17:11", "must be named"),
        ('"${{ target }}"', '"${{ targt }}"', "20:29", "is it 'target'"),
        ('"${{ target }}"', '"${{ [target] }}"', "20:24", "gives list<string>, which is no text"),
        ('"${{ target }}"', '"${{ target"', "20:25", "without its }}"),
        ("PORT:", "2PORT:", "21:26", "match pattern"),
        ("http: {url", 'run: ["true"]\n    http: {url', "24:5", "one of `run`"),
        ("http://127", "ftp://127", "25:17", "http:// or https://"),
        ("http://127", "${{ inputs.app }}://127", "25:17", "http:// or https://"),
        ("every: 500ms", "every: 0ms", "27:12", "greater than 0"),
        ("steps:\n", "steps: []\nx:\n", "18:8", "at least 1"),
    ],
)
def test_a_fault_is_named_with_its_place(
    edited: Edited, folder: Path, old: str, new: str, place: str, words: str
) -> None:
    with pytest.raises(Misdeclared) as caught:
        edited(old, new)
    found = str(caught.value).splitlines()
    assert any(line.startswith(f"{folder}/runbook.yaml:{place}: ") and words in line for line in found), found


def test_all_faults_are_told_at_once(edited: Edited) -> None:
    with pytest.raises(Misdeclared) as caught:
        edited('run: ["./restart", "${{ target }}"]', 'run: ["./restat", "${{ tarjet }}"]')
    assert len(str(caught.value).splitlines()) == 2


def test_a_program_that_is_not_executable_is_a_fault(folder: Path) -> None:
    (folder / "probe").chmod(0o644)
    with pytest.raises(Misdeclared, match="chmod"):
        load(folder)


def test_a_folder_without_a_runbook_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(Misdeclared, match="No such file"):
        load(tmp_path)


@pytest.mark.parametrize("where", ["link", "lib/link"])
def test_a_symbolic_link_is_refused(folder: Path, where: str) -> None:
    (folder / where).parent.mkdir(exist_ok=True)
    (folder / where).symlink_to("/etc/hostname")
    with pytest.raises(Misdeclared, match="links and devices") as caught:
        load(folder)
    assert caught.value.place == f"{folder / where}:1:1"


def test_a_linked_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "lib").symlink_to(tmp_path)
    with pytest.raises(Misdeclared, match="links and devices"):
        load(folder)


def test_a_named_pipe_is_refused_without_being_read(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    with pytest.raises(Misdeclared, match="links and devices"):
        load(folder)


def test_the_digest_is_the_same_wherever_the_folder_stands(folder: Path, tmp_path: Path) -> None:
    before = load(folder).digest
    moved = tmp_path / "elsewhere" / "restart-web"
    moved.parent.mkdir()
    folder.rename(moved)
    assert load(moved).digest == before


def test_a_copy_has_the_digest_of_its_original_until_it_is_changed(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "0a1b2c"
    shutil.copytree(folder, copy)
    assert digest_of(copy) == load(folder).digest
    edit_script(copy)
    assert digest_of(copy) != load(folder).digest


def edit_script(folder: Path) -> None:
    (folder / "restart").write_text("#!/bin/sh\nexit 1\n")


def change_bit(folder: Path) -> None:
    (folder / "notes").chmod(0o755)


def rename(folder: Path) -> None:
    (folder / "notes").rename(folder / "remarks")


def add(folder: Path) -> None:
    (folder / "lib").mkdir()
    (folder / "lib" / "more").write_text("")


def comment(folder: Path) -> None:
    with (folder / "runbook.yaml").open("a") as file:
        file.write("# a remark\n")


@pytest.mark.parametrize("change", [edit_script, change_bit, rename, add, comment])
def test_the_digest_changes_with_every_file(folder: Path, change: Callable[[Path], None]) -> None:
    (folder / "notes").write_text("x")
    before = load(folder).digest
    change(folder)
    assert load(folder).digest != before


def test_hidden_files_and_caches_are_no_part_of_a_runbook(folder: Path) -> None:
    before = load(folder).digest
    (folder / ".swp").write_text("x")
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "x.pyc").write_text("x")
    assert load(folder).digest == before


def test_a_hidden_program_is_refused(edited: Edited, folder: Path) -> None:
    (folder / ".probe").write_text("")
    (folder / ".probe").chmod(0o755)
    with pytest.raises(Misdeclared, match="not in the runbook's folder"):
        edited("./probe", "./.probe")
