from pathlib import Path

import pytest

from firstline.declaration import load
from firstline.errors import Misdeclared


def test_a_file_is_read_with_its_name(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(b"\xef\xbb\xbfkey: [1, two]\n")
    document = load(file)
    assert document.value == {"key": [1, "two"]}
    assert document.place(("key", 1)) == f"{file}:1:10"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misdeclared, match="No such file") as caught:
        load(tmp_path / "none.yaml")
    assert caught.value.place == f"{tmp_path / 'none.yaml'}:1:1"


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(b"a: 1\nb: \xff\n")
    with pytest.raises(Misdeclared, match="not UTF-8") as caught:
        load(file)
    assert caught.value.place == f"{file}:2:1"
