"""What a run's process is made of on this host: its environment, its working directory, its program."""

from __future__ import annotations

import os
from pathlib import Path

from firstline.executors.ssh.agent.refusal import Rejected


def environment_of(whitelist: list[str], own: dict[str, str]) -> dict[str, str]:
    """What the account's environment has of the whitelist, and the step's own."""
    return {**{name: os.environ[name] for name in whitelist if name in os.environ}, **own}


def directory_of(wanted: str, fresh: Path) -> Path:
    """Where it works. Raises `Rejected` for what is no absolute path of a directory."""
    if not wanted:
        return fresh
    directory = Path(wanted)
    if not directory.is_absolute() or not directory.is_dir():
        raise Rejected(f"the step's working directory {wanted!r} is not an absolute path of a directory")
    return directory


def find(program: str, environment: dict[str, str], directory: Path) -> str:
    """Find a program as execvp(3) does. Raises `Rejected` when there is none that may be executed."""
    search = environment.get("PATH", os.defpath)
    places = [""] if "/" in program else search.split(os.pathsep)
    for place in places:
        candidate = directory / place / program
        if os.access(candidate, os.X_OK) and candidate.is_file():
            return str(candidate)
    where = f"PATH={search}" if "/" not in program else f"directory {directory}"
    raise Rejected(f"there is no program {program!r} that may be executed ({where})")
