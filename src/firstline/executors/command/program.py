"""What a step's process is made of: its environment, its working directory, its program. Refused here, before anything
is begun, when it can't be."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from firstline.errors import Rejected
from firstline.executor import Step


def environment_of(step: Step, whitelist: Iterable[str], own: Mapping[str, str]) -> dict[str, str]:
    secrets = {name: secret.get_secret_value() for name, secret in step.secrets.items()}
    return {name: own[name] for name in whitelist if name in own} | step.environment | secrets


def directory_of(step: Step, fresh: Path) -> Path:
    """Where it works. Raises `Rejected` when the step names a directory that is none, or a relative one."""
    if not step.directory:
        return fresh
    directory = Path(step.directory)
    if not directory.is_absolute() or not directory.is_dir():
        raise Rejected(f"the step's working directory {step.directory!r} is not an absolute path of a directory")
    return directory


def program_of(step: Step, environment: Mapping[str, str], directory: Path) -> Path:
    """What `run` names. Raises `Rejected` when there is none, or the step says what only other executors understand."""
    if not step.run:
        raise Rejected(f"{step.name or 'the step'} says nothing to `run`")
    program = step.run[0]
    if not (program.startswith("./") and step.folder):
        return find(program, environment, directory)
    if ".." in Path(program).parts:
        raise Rejected(f"{program!r} is not a file of the runbook's folder")
    return find(program, environment, Path(step.folder))


def find(program: str, environment: Mapping[str, str], directory: Path) -> Path:
    """Find a program as execvp(3) does: by the PATH of the command's own environment, or, with a slash in its name,
    from its working directory. Raises `Rejected` when there is none that may be executed."""
    search = environment.get("PATH", os.defpath)
    places = [""] if "/" in program else search.split(os.pathsep)
    for place in places:
        candidate = directory / place / program
        if os.access(candidate, os.X_OK) and candidate.is_file():
            return candidate
    where = f"PATH={search}" if "/" not in program else f"directory {directory}"
    raise Rejected(f"there is no program {program!r} that may be executed ({where})")
