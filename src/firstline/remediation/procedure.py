"""Runs a plan's commands, each once, whatever crashes: the attempt is written down before it, its end after."""

import time
from collections.abc import Sequence

import sqlalchemy as sa

from firstline.declaration import digest as digest_of
from firstline.errors import Rejected, Unknown
from firstline.executor import Chunk, Handle, Progress, State, Step
from firstline.remediation import shelf
from firstline.remediation.context import Context
from firstline.remediation.finding import Outcome
from firstline.remediation.plan import Plan
from firstline.remediation.timeline import tell
from firstline.runbook import Command
from firstline.store.database import insert
from firstline.store.table import RUN, RunRow, now

FIRST_LOOK = 0.02  # seconds, where the executor does not hear of the end by itself
LONGEST_LOOK = 1.0
STORED_OUTPUT = 65_536  # characters of a run's output kept in the database: head and tail


class Procedure:
    """The commands of one remediation."""

    def __init__(self, context: Context, remediation_id: str, plan: Plan) -> None:
        self._context = context
        self._remediation_id = remediation_id
        self._plan = plan

    async def run(self, phase: str, number: int, command: Command) -> Outcome:
        """Run a command once, or find the run an earlier try began. Raises `Unknown` when its end can't be told."""
        progress, output = await self._follow(f"{self._remediation_id}.{phase}.{number}", phase, command)
        if progress.state is State.UNKNOWN:
            raise Unknown(
                f"{command.name} on {command.target} was begun; how it ended can't be told: {progress.detail}"
            )
        ok = progress.state is State.SUCCEEDED
        return Outcome(
            phase=phase, name=command.name, target=command.target, ok=ok, detail=_detail(progress), output=output
        )

    async def probe(self, phase: str, command: Command) -> Outcome:
        """Run a check's command, anew each time: it only reads. Exit status 0: it holds; 1 to 125: it does not."""
        name = f"{phase}.{digest_of(command.model_dump(mode='json'))[:8]}.{time.time_ns()}"
        progress, output = await self._follow(f"{self._remediation_id}.{name}", phase, command)
        ok = progress.state is State.SUCCEEDED
        said = progress.state is State.FAILED and 1 <= (progress.exit_status or 0) <= 125
        return Outcome(
            phase=phase,
            name=command.name,
            target=command.target,
            ok=ok,
            answered=ok or said,
            detail=_detail(progress),
            output=output,
        )

    async def _follow(self, run_id: str, phase: str, command: Command) -> tuple[Progress, str]:
        step = self._step(run_id, command, read_only=phase in ("before", "after", "diagnose"))
        ended = await self._begin(step, phase, command)
        if ended is not None:
            return ended
        handle: Handle | None = None
        try:
            handle = await self._context.executor(command.executor).start(step)
            progress, output = await self._watch(handle)
        except Rejected as error:  # it did not begin: a command that failed, so that what ran before it is rolled back
            progress, output = Progress(state=State.FAILED, detail=str(error)), ""
        await self._end(step, handle, progress, output)
        return progress, output

    def _step(self, run_id: str, command: Command, *, read_only: bool) -> Step:
        run, _ = shelf.program(self._context.shelf, self._plan.runbook.runbook_digest, command.run)
        return Step(
            id=run_id,
            name=command.name,
            target=command.target,
            run=run,
            environment=command.environment,
            timeout=command.timeout,
            output_limit=self._plan.runbook.limits.output,
            read_only=read_only,
        )

    async def _begin(self, step: Step, phase: str, command: Command) -> tuple[Progress, str] | None:
        """Write the attempt down. Gives the end when an earlier try has already seen it."""

        def mark(connection: sa.Connection) -> tuple[Progress, str] | None:
            row = connection.execute(sa.select(RUN).where(RUN.c.id == step.id)).mappings().first()
            if row is None:
                insert(
                    connection,
                    RunRow(
                        id=step.id,
                        remediation_id=self._remediation_id,
                        phase=phase,
                        name=command.name,
                        target=command.target,
                        executor=command.executor,
                    ),
                )
            elif row["ended_at"] is not None:
                ended = Progress(state=State(row["state"]), exit_status=row["exit_status"], detail=row["detail"])
                return ended, str(row["output"])
            return None

        return await self._context.database.write(mark)

    async def _watch(self, handle: Handle) -> tuple[Progress, str]:
        executor = self._context.executor(handle.executor)
        chunks: list[Chunk] = []
        offset, pause = 0, FIRST_LOOK
        while True:
            progress = await executor.watch(handle, offset)
            chunks += progress.output
            offset = progress.offset
            if progress.state.ended:
                return progress, _cut(joined(chunks, progress.dropped))
            await executor.wait(handle, pause)
            pause = min(pause * 1.5, LONGEST_LOOK)

    async def _end(self, step: Step, handle: Handle | None, progress: Progress, output: str) -> None:
        row = sa.update(RUN).where(RUN.c.id == step.id)
        values = {
            "state": progress.state.value,
            "handle": handle.model_dump(mode="json") if handle else None,
            "exit_status": progress.exit_status,
            "output": output,
            "detail": progress.detail,
            "ended_at": now(),
        }
        how = _detail(progress)
        told = f"{step.name} on {step.target}: {progress.state}{f' ({how})' if how else ''}"

        def end(connection: sa.Connection) -> None:
            connection.execute(row.values(**values))
            tell(connection, self._remediation_id, "ran", told)

        await self._context.database.write(end)


def _detail(progress: Progress) -> str:
    if progress.state is State.SUCCEEDED:
        return ""
    if progress.detail:
        return progress.detail
    return f"exit status {progress.exit_status}" if progress.exit_status is not None else progress.state.value


def joined(chunks: Sequence[Chunk], dropped: int) -> str:
    """The output as one text, with what the executor dropped from its middle said where it is missing."""
    parts: list[str] = []
    end = 0
    for chunk in chunks:
        if dropped and chunk.offset - end >= dropped // 2:
            parts.append(_gap(dropped, "bytes"))
            dropped = 0
        parts.append(chunk.text)
        end = chunk.offset + len(chunk.text.encode())
    return "".join(parts) + (_gap(dropped, "bytes") if dropped else "")


def _gap(size: int, unit: str) -> str:
    return f"\n[... {size} {unit} left out ...]\n"


def _cut(output: str) -> str:
    """Head and tail, with what is missing between said."""
    if len(output) > STORED_OUTPUT:
        half = STORED_OUTPUT // 2
        output = f"{output[:half]}{_gap(len(output) - STORED_OUTPUT, 'characters')}{output[-half:]}"
    return output.replace("\x00", "\N{SYMBOL FOR NULL}")  # PostgreSQL keeps no NUL in text
