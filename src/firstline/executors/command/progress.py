"""What a run's directory tells, in the words of the contract."""

from datetime import UTC, datetime
from typing import Any

from firstline.executor import Chunk, Progress, State
from firstline.executors.process import tree
from firstline.executors.process.output import STDOUT, OutputReader, Piece
from firstline.executors.process.run_directory import RunDirectory, Standing

NOT_THERE = "there is no such run here"
NEVER_BEGUN = "it was never begun"
DAMAGED = "the record of its end can't be read"


def progress_of(run: RunDirectory, offset: int) -> Progress:
    standing = run.standing()
    if standing in (Standing.ABSENT, Standing.NEW):
        detail = NOT_THERE if standing is Standing.ABSENT else NEVER_BEGUN
        return Progress(state=State.UNKNOWN, offset=offset, detail=detail)
    begun = run.begun()
    ended = _end(run, standing)
    reader = OutputReader(run.path, begun.get("output_limit", 1))
    reading = reader.so_far(offset) if standing is Standing.HELD else reader.all(offset)
    return Progress(
        state=ended.get("state", State.RUNNING),
        exit_status=ended.get("exit_status"),
        output=tuple(_chunk(piece) for piece in reading.pieces),
        offset=reading.offset,
        dropped=reading.dropped,
        started_at=_time(begun.get("started_at")),
        ended_at=_time(ended.get("ended_at")),
        detail=ended.get("detail", ""),
    )


def _end(run: RunDirectory, standing: Standing) -> dict[str, Any]:
    if standing is Standing.HELD:
        return {}
    if standing is Standing.LOST:
        return {"state": State.UNKNOWN, "detail": _lost(run)}
    return run.ended() or {"state": State.UNKNOWN, "detail": DAMAGED}


def _lost(run: RunDirectory) -> str:
    """Why nobody knows how it ended, and who of it still runs."""
    words = "its supervisor died before the end of the command (killed, or the machine went down)"
    if crash := run.crash():
        words = f"its supervisor failed: {crash}"
    if may_run_unseen(run):
        return f"{words}; whether the command runs is not on record"
    left = ", ".join(f"{process.id} ({process.name})" for process in remains(run))
    return f"{words}; {f'still running: {left}' if left else 'none of its session runs'}"


def remains(run: RunDirectory) -> list[tree.Process]:
    """Who is left of a run without a supervisor. A descendant that left the session, and whose parent ended, can't be
    found."""
    process = run.process()
    if not process or run.begun().get("boot") != tree.boot():
        return []
    return tree.session(process["id"], process["started"])


def may_run_unseen(run: RunDirectory) -> bool:
    """Whether the supervisor died between the command's beginning and the record of its process."""
    return not run.process() and run.begun().get("boot") == tree.boot()


def _chunk(piece: Piece) -> Chunk:
    return Chunk(
        stream="stdout" if piece.stream == STDOUT else "stderr",
        text=piece.content.decode(errors="replace"),
        offset=piece.offset,
    )


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
