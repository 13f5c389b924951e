"""What a command is begun with, as this machine has it: its program and its working directory."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


class NotThere(Exception):
    """It can't be begun with this, nor will it be."""


def directory_of(wanted: str, fresh: Path) -> Path:
    """Where it works; `wanted` empty: in `fresh`. Raises `NotThere` for what is no absolute path of a directory."""
    if not wanted:
        return fresh
    directory = Path(wanted)
    if not directory.is_absolute() or not directory.is_dir():
        raise NotThere(f"the step's working directory {wanted!r} is not an absolute path of a directory")
    return directory


def find(program: str, environment: Mapping[str, str], directory: Path) -> Path:
    """Find a program as execvp(3) does: by the PATH of the command's own environment, or, with a slash in its name,
    from its working directory. Raises `NotThere` when there is none that may be executed."""
    if "/" in program:
        candidate = directory / program
        if _may_be_executed(candidate):
            return candidate
        why = "by its mode, or since its file system is mounted noexec" if candidate.is_file() else "it is not there"
        raise NotThere(f"there is no program {program!r} that may be executed (directory {directory}): {why}")
    search = environment.get("PATH", os.defpath)
    for place in search.split(os.pathsep):
        candidate = directory / place / program
        if _may_be_executed(candidate):
            return candidate
    raise NotThere(f"there is no program {program!r} that may be executed (PATH={search})")


def _may_be_executed(path: Path) -> bool:
    return os.access(path, os.X_OK) and path.is_file()
