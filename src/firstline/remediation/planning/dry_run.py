"""What a plan's steps would do, as their executors say. Nothing that writes is at hand here: no database, no outbox, no
register of changes; and an executor is made only where it can do so without changing anything."""

import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firstline import assembly
from firstline.errors import FirstlineError
from firstline.executor import Executor, State, Step
from firstline.remediation.note.output import Mask, joined
from firstline.remediation.plan import Plan
from firstline.remediation.run import shelf
from firstline.remediation.run.step import step_of
from firstline.runbook import Command
from firstline.settings import Settings
from firstline.store import new_id

LOOK = 0.2  # seconds between two looks, where the executor does not hear of the end by itself


@dataclass(frozen=True)
class Tried:
    """One step. `ok` None: its executor has no dry run, and nothing was run."""

    name: str
    target: str
    ok: bool | None
    said: str


async def dry_run(plan: Plan, folder: Path, settings: Settings, mask: Mask = str) -> list[Tried]:
    """Try each step, in order, up to the first that would fail. `folder` of the runbook; `mask` takes secrets out of
    what they say."""
    place = Path(tempfile.mkdtemp(prefix="firstline-dry-run-"))
    tried: list[Tried] = []
    try:
        shelf.keep(place / "shelf", plan.runbook.runbook_digest, folder)
        for command in plan.runbook.steps:
            tried.append(await _try(plan, command, place, settings, mask))
            if tried[-1].ok is False:
                break
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return tried


async def _try(plan: Plan, command: Command, place: Path, settings: Settings, mask: Mask) -> Tried:
    needs = _needs(command)
    if needs:
        return Tried(command.name, command.target, None, f"it needs {needs}; nothing was run")
    kind = assembly.executor_kinds(settings).get(command.executor)
    if kind is None or not kind.supports_dry_run:
        why = f"the executor {command.executor} has no dry run; nothing was run"
        return Tried(command.name, command.target, None, why)
    try:
        async with _made(settings, command.executor, place) as executor:
            ok, said = await _end(executor, _step(plan, command, place))
    except FirstlineError as error:
        return Tried(command.name, command.target, ok=False, said=mask(str(error)))
    return Tried(command.name, command.target, ok, mask(said))


def _fields(kind: type[Executor[Any]]) -> dict[str, Any]:
    model: type[Any] = getattr(kind, "settings_model")  # noqa: B009 - of the class, which mypy takes for what makes one
    return dict(model.model_fields)


def _needs(command: Command) -> str:
    """What is not there when it is only tried."""
    if command.late or command.when:
        return "what an earlier step gives"
    return "secrets, which are read for a run only" if command.secrets else ""


@asynccontextmanager
async def _made(settings: Settings, name: str, place: Path) -> AsyncIterator[Executor[Any]]:
    """Apart from the hub's: it knows of none of its runs."""
    kind = assembly.executor_kinds(settings)[name]
    own = {"directory": str(place / "runs")} if "directory" in _fields(kind) else {}
    executor = assembly.executor(settings, name, **own)
    try:
        yield executor
    finally:
        await executor.aclose()


def _step(plan: Plan, command: Command, place: Path) -> Step:
    folder = shelf.folder(place / "shelf", plan.runbook.runbook_digest)
    step = step_of(command, folder, new_id(), plan.runbook.limits.output)
    return step.model_copy(update={"dry_run": True})


async def _end(executor: Executor[Any], step: Step) -> tuple[bool, str]:
    handle = await executor.start(step)
    while not (progress := await executor.watch(handle)).state.ended:
        await executor.wait(handle, LOOK)
    said = joined(progress.output, progress.dropped)
    return progress.state is State.SUCCEEDED, "\n".join(filter(None, (said.strip(), progress.detail)))
