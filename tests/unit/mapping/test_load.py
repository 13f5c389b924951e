from collections.abc import Callable
from pathlib import Path

import pytest

from firstline.errors import Misdeclared, Rejected
from firstline.mapping import Packs, load_packs

Write = Callable[..., Packs]

SOUND = """\
  - id: hung
    description: It hangs.
    when: incident.service == "shop"
    runbook: fix
    inputs: {app: "${{ incident.service }}", port: 8080}
    mode: auto
"""


def test_a_sound_pack_is_read(write: Write) -> None:
    packs = write(SOUND)
    assert packs.errors == []
    (mapping,) = packs.mappings
    assert mapping.name == "shop/hung"
    assert mapping.place.endswith("shop/mapping.yaml:2:9")
    assert packs.runbook("shop", "fix").id == "fix"
    with pytest.raises(Rejected, match="no runbook 'nothing'"):
        packs.runbook("shop", "nothing")


@pytest.mark.parametrize(
    ("old", "new", "place", "words"),
    [
        ("id: hung", "id: Hung", "2:9", "match pattern"),
        ("when: incident", "wen: incident", "4:5", "unknown key 'wen'"),
        ('    when: incident.service == "shop"\n', "", "2:5", "'when' is missing"),
        ("incident.service ==", "incident.servic ==", "4:11", "is it 'incident.service'"),
        ('== "shop"', '== "shop" && incident.servic == ""', "4:41", "is it 'incident.service'"),
        ('when: incident.service == "shop"', "when: >\n      incident.service ==\n      5", "5:24", "can't be applied"),
        ('when: incident.service == "shop"', "when: incident.service", "4:11", "gives string; a condition gives true"),
        ('when: incident.service == "shop"', "when: 5", "4:11", "valid string, not 5"),
        ("runbook: fix", "runbook: nothing", "5:14", "no runbook 'nothing'"),
        ("{app: ", "{ap: a, app: ", "6:14", "no input 'ap'; it has app, port, share, dry"),
        ('{app: "${{ incident.service }}", port: 8080}', "{port: 8080}", "6:13", "needs the input app"),
        ('    inputs: {app: "${{ incident.service }}", port: 8080}\n', "", "5:14", "needs the input app"),
        ("incident.service }}", "incident.servic }}", "6:24", "is it 'incident.service'"),
        ("port: 8080", "port: '8080'", "6:52", "must be a number, not '8080'"),
        ("port: 8080", "port: 0", "6:52", "must be at least 1"),
        ("port: 8080", "port: '${{ incident.title }}'", "6:52", "gives string, but the input is integer"),
        ("port: 8080", "dry: '${{ incident.data.n }}x'", "6:51", "gives string, but the input is boolean"),
        ("port: 8080", "port: null", "6:52", "must be a number"),
        ('"${{ incident.service }}"', '"Shop 1"', "6:19", "does not match"),
        ('"${{ incident.service }}"', "5", "6:19", "must be text"),
        ("mode: auto", "mode: automatic", "7:11", "'observe', 'suggest', 'approve' or 'auto'"),
        ("mode: auto", "mode: {prod: auto}", "7:11", "needs `default`"),
        ("mode: auto", "mode: {default: observe, prod: yes}", "7:36", "'observe', 'suggest'"),
        ("mode: auto", "dedupe: ${{ incident.nothing }}", "7:17", "unknown name 'incident.nothing'"),
        ("mode: auto", "dedupe: ${{ [1] }}", "7:13", "no text"),
        ("mode: auto", "on: []", "7:9", "at least 1"),
        ("mode: auto", "on: [incident.open]", "7:10", "'incident.opened'"),
        ("mode: auto", "resolve: yes", "7:14", "valid boolean, not 'yes'"),
        ("runbook: fix", "runbook: blind\n    resolve: true", "6:14", "nothing would prove"),
        (
            "  - id: hung",
            "  - id: hung\n    when: 'true'\n    runbook: look\n    inputs: {app: a}\n  - id: hung",
            "6:9",
            "is taken, at",
        ),
    ],
)
def test_a_fault_is_named_with_its_place(write: Write, old: str, new: str, place: str, words: str) -> None:
    assert old in SOUND
    packs = write(SOUND.replace(old, new))
    found = [str(error) for error in packs.errors]
    assert any(f"mapping.yaml:{place}: " in line and words in line for line in found), found
    assert len(packs.mappings) <= 1


def test_faults_of_all_packs_are_told_at_once(write: Write, tmp_path: Path) -> None:
    write(SOUND.replace("runbook: fix", "runbook: nothing"), pack="b")
    packs = write(SOUND.replace("incident.service ==", "incident.servic =="), pack="a")
    (tmp_path / "c").mkdir()
    packs = load_packs(tmp_path)
    assert [error.place.removeprefix(f"{tmp_path}/") for error in packs.errors] == [
        "a/mapping.yaml:4:11",
        "b/mapping.yaml:5:14",
        "c/mapping.yaml:1:1",
    ]


def test_the_faults_of_a_runbook_are_told_once(write: Write, tmp_path: Path) -> None:
    write(SOUND)
    (tmp_path / "shop" / "runbooks" / "fix" / "runbook.yaml").write_text("id: fix\n")
    packs = load_packs(tmp_path)
    assert packs.mappings == []
    assert all("runbooks/fix/runbook.yaml" in error.place for error in packs.errors)


def test_a_mapping_is_never_read_in_part(write: Write) -> None:
    packs = write(SOUND + SOUND.replace("id: hung", "id: other").replace("incident.service ==", "nothing =="))
    assert [mapping.name for mapping in packs.mappings] == ["shop/hung"]
    assert len(packs.errors) == 1


def test_packs_stand_in_the_order_of_their_names(write: Write) -> None:
    write(SOUND, pack="b")
    write(SOUND, pack="c")
    packs = write(SOUND, pack="a")
    assert [mapping.name for mapping in packs.mappings] == ["a/hung", "b/hung", "c/hung"]


def test_hidden_folders_and_loose_files_are_no_packs(write: Write, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "README.md").write_text("x")
    assert write(SOUND).names == ["shop"]


def test_a_name_that_a_pack_cant_have_is_a_fault(write: Write) -> None:
    assert "small letters" in str(write(SOUND, pack="Shop").errors[0])


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(Misdeclared, match="no such folder"):
        load_packs(tmp_path / "nothing")
