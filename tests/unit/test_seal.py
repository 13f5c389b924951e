from pathlib import Path

from firstline.seal import Seal, kept


def test_a_seal_holds_for_the_texts_and_the_purpose_it_was_made_for() -> None:
    seal = Seal()
    made = seal.of("answer", "ab", "c")
    assert seal.holds(made, "answer", "ab", "c")
    for purpose, parts in (
        ("answer", ("a", "bc")),
        ("answer", ("ab", "d")),
        ("form", ("ab", "c")),
        ("answer", ("ab",)),
    ):
        assert not seal.holds(made, purpose, *parts)
    assert not Seal().holds(made, "answer", "ab", "c")
    assert not seal.holds("ä", "answer", "ab", "c")


def test_the_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "state" / "link.key"
    made = kept(path).of("answer", "a")
    assert kept(path).holds(made, "answer", "a")
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["link.key"]
