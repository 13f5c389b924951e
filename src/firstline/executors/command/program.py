"""What a step's process is made of: its environment and its program."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from firstline.errors import Rejected
from firstline.executor import Step
from firstline.executors.process.program import find


def environment_of(step: Step, whitelist: Iterable[str], own: Mapping[str, str]) -> dict[str, str]:
    secrets = {name: secret.get_secret_value() for name, secret in step.secrets.items()}
    return {name: own[name] for name in whitelist if name in own} | step.environment | secrets


def program_of(step: Step, environment: Mapping[str, str], directory: Path) -> Path:
    """What `run` names. Raises `Rejected` when it names nothing that may be run, `NotThere` when there is no such."""
    if not step.run:
        raise Rejected(f"{step.name or 'the step'} says nothing to `run`")
    program = step.run[0]
    if not (program.startswith("./") and step.folder):
        return find(program, environment, directory)
    if ".." in Path(program).parts:
        raise Rejected(f"{program!r} is not a file of the runbook's folder")
    return find(program, environment, Path(step.folder))
