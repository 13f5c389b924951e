"""Reads a declaration from disk."""

from pathlib import Path

from firstline.declaration.document import Document
from firstline.declaration.yaml import SIZE_LIMIT, parse
from firstline.errors import Misdeclared


def load(path: Path) -> Document:
    """Read and parse one file. Raises `Misdeclared`, naming the file, also when it can't be read."""
    return parse(read_text(path), str(path))


def read_text(path: Path) -> str:
    """A file's text, UTF-8. Raises `Misdeclared`."""
    try:
        with path.open("rb") as file:
            raw = file.read(4 * SIZE_LIMIT + 1)  # UTF-8 takes at most four bytes a character
        return raw.decode("utf-8-sig")
    except OSError as error:
        raise Misdeclared(f"can't be read: {error.strerror}", place=f"{path}:1:1") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise Misdeclared("not UTF-8", place=f"{path}:{line}:1") from error
