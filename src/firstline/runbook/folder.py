"""What stands in a runbook's folder: every file that can take part in a run counts into its digest."""

import hashlib
import stat
from collections.abc import Iterator
from pathlib import Path

from firstline.declaration import Json
from firstline.errors import Misdeclared

FILE_LIMIT = 2000
SIZE_LIMIT = 64 * 1_048_576  # bytes of all files


def inventory(folder: Path) -> dict[str, Json]:
    """Each file by its path from the folder: `{"executable": bool, "sha256": hex}`. Left out: hidden files (a name that
    begins with a dot) and `__pycache__`; they are no part of a runbook and are not copied with it. Raises `Misdeclared`
    for symbolic links and devices: what they lead to can change while the digest stays."""
    found: dict[str, Json] = {}
    total = 0
    for path, status in _files(folder):
        total += status
        if len(found) >= FILE_LIMIT or total > SIZE_LIMIT:
            raise Misdeclared(f"more than {FILE_LIMIT} files or {SIZE_LIMIT} bytes", place=f"{folder}:1:1")
        found[path.relative_to(folder).as_posix()] = {"executable": executable(path), "sha256": _sha256(path)}
    return found


def counts(path: str) -> bool:
    """Whether a file at this path from the folder is part of the runbook."""
    return all(not part.startswith(".") and part != "__pycache__" for part in path.split("/"))


def executable(path: Path) -> bool:
    """Whether its owner may run it."""
    return bool(path.stat().st_mode & stat.S_IXUSR)


def _files(folder: Path) -> Iterator[tuple[Path, int]]:
    for path in sorted(folder.iterdir()):
        if not counts(path.name):
            continue
        status = path.lstat()
        if stat.S_ISDIR(status.st_mode):
            yield from _files(path)
        elif stat.S_ISREG(status.st_mode):
            yield path, status.st_size
        else:
            raise Misdeclared("neither a file nor a folder; links and devices are not allowed", place=f"{path}:1:1")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
