"""What an executor is given for a command of a plan: the same when it is run and when it is only tried."""

from pathlib import Path

from firstline.executor import Bounds, Sandbox, Step
from firstline.remediation.run import shelf
from firstline.runbook import Command


def step_of(command: Command, folder: Path, run_id: str, output_limit: int) -> Step:
    """`folder`: the runbook's files, as they are kept; `output_limit` in bytes. Raises `Rejected` for a program that
    leads out of it."""
    return Step(
        id=run_id,
        name=command.name,
        target=command.target,
        targets=command.targets,
        run=shelf.program(folder, command.run),
        parameters=command.parameters,
        folder=str(folder),
        environment=command.environment,
        timeout=command.timeout,
        output_limit=output_limit,
        bounds=Bounds(**command.bounds.model_dump()),
        sandbox=Sandbox(**command.sandbox.model_dump()) if command.sandbox else None,
    )
