"""Keeps each version of a runbook's folder, named by its digest: what was approved is what runs, byte for byte, also
after the files were edited or the hub was started again."""

import os
import shutil
import tempfile
from pathlib import Path

from firstline.errors import Misdeclared, Rejected
from firstline.runbook import digest_of


def keep(shelf: Path, digest: str, folder: Path) -> Path:
    """Copy the folder to the shelf under its digest, unless it is there; gives the copy's path."""
    kept = shelf / digest
    if not kept.exists():
        shelf.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=shelf, prefix=".new-"))
        try:
            _copy(folder, scratch / folder.name, digest)
            (scratch / folder.name).rename(kept)
        except OSError:  # another process was first; what it kept is the same
            if not kept.exists():
                raise
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return kept


def _copy(folder: Path, to: Path, digest: str) -> None:
    shutil.copytree(folder, to, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    if digest_of(to) != digest:
        raise Misdeclared("changed while it was read; it is read again with the next change", place=f"{folder}:1:1")


def folder(shelf: Path, digest: str) -> Path:
    """The kept folder. Raises `Rejected` where it is not there."""
    kept = shelf / digest
    if not kept.is_dir():
        raise Rejected(f"the runbook's files with digest {digest} are not on the shelf {shelf}")
    return kept


def program(folder: Path, run: tuple[str, ...]) -> tuple[str, ...]:
    """The command, whose `./` is the kept folder and may not lead out of it: else it is `Rejected`."""
    if not run or not run[0].startswith("./"):
        return run
    path = Path(os.path.normpath(folder / run[0]))
    if not path.is_relative_to(folder):
        raise Rejected(f"{run[0]} leads out of the runbook's folder")
    return (str(path), *run[1:])
