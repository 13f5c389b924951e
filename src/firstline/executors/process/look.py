"""What a run's directory tells whoever looks: on this machine, or on a host that prints it as JSON."""

from __future__ import annotations

import signal
from typing import Any

from firstline.executors.process import tree
from firstline.executors.process.output import LOOK, STDOUT, OutputReader, Piece
from firstline.executors.process.run_directory import RunDirectory, Standing

NOT_THERE = "there is no such run here"
NEVER_BEGUN = "it was never begun"
DAMAGED = "the record of its end can't be read"
OUTPUTS = 65_536  # bytes; a file of outputs that has more is told one byte longer, and refused by who reads it


def look(run: RunDirectory, offset: int = 0, most: int = LOOK) -> dict[str, Any]:
    """A JSON object: `state`, `exit_status`, `detail`; `started_at` and `ended_at` in seconds since 1970 or null;
    `output`, a list of `{stream, text, offset}` of `most` bytes in all, about; `offset` where to go on, `more` when
    there is more already, `dropped` bytes; `outputs`, what it wrote to $FIRSTLINE_OUTPUT, with its end; and
    `surroundings`."""
    standing = run.standing()
    if standing in (Standing.ABSENT, Standing.NEW):
        detail = f"{NOT_THERE}{_left(run)}" if standing is Standing.ABSENT else NEVER_BEGUN
        return _told({}, {"state": "unknown", "detail": detail}, offset)
    if standing is Standing.HELD:
        wake(run)
    begun = run.begun()
    if run.is_stripped():
        return _told(begun, _end(run, standing), offset)
    reader = OutputReader(run.path, begun.get("output_limit", 1), most)
    reading = reader.so_far(offset) if standing is Standing.HELD else reader.all(offset)
    return {
        **_told(begun, _end(run, standing), reading.offset),
        "output": [_chunk(piece) for piece in reading.pieces],
        "more": reading.more,
        "dropped": reading.dropped,
        "outputs": "" if standing is Standing.HELD else run.read_outputs(OUTPUTS + 1),
    }


def remains(run: RunDirectory) -> list[tree.Process]:
    """Who is left of a run without a supervisor: its session, and whoever carries its mark. A descendant that left the
    session and cleaned its environment can't be found."""
    process = run.process() if run.begun().get("boot") == tree.boot() else {}
    session = tree.session(process["id"], process["started"]) if process else []
    return list({(each.id, each.started): each for each in (*session, *tree.marked(run.mark))}.values())


def wake(run: RunDirectory) -> None:
    """Let the supervisor go on, should something have stopped it: else it would keep no time."""
    told = run.begun().get("supervisor", {})
    supervisor = tree.look(told["id"]) if told else None
    if supervisor and supervisor.state == "T" and supervisor.started == told["started"]:
        tree.send(supervisor, signal.SIGCONT)


def _told(begun: dict[str, Any], ended: dict[str, Any], offset: int) -> dict[str, Any]:
    return {
        "state": ended.get("state", "running"),
        "exit_status": ended.get("exit_status"),
        "detail": ended.get("detail", ""),
        "started_at": begun.get("started_at"),
        "ended_at": ended.get("ended_at"),
        "surroundings": begun.get("surroundings", ""),
        "output": [],
        "offset": offset,
        "more": False,
        "dropped": 0,
        "outputs": "",
    }


def _end(run: RunDirectory, standing: Standing) -> dict[str, Any]:
    if standing is Standing.HELD:
        return {}
    if standing is Standing.LOST:
        return {"state": "unknown", "detail": _lost(run)}
    ended = run.ended() or {"state": "unknown", "detail": DAMAGED}
    if run.is_stripped():
        ended["detail"] = "; ".join(filter(None, (ended.get("detail"), "its output is no longer kept")))
    return ended


def _lost(run: RunDirectory) -> str:
    """Why nobody knows how it ended, and who of it still runs."""
    words = "its supervisor died before the end of the command (killed, or the machine went down)"
    crash = run.crash()
    if crash:
        words = f"its supervisor failed: {crash}"
    left = _left(run)
    if left:
        return f"{words}{left}"
    if not run.process():
        words = f"{words}; whether the command began is not on record"
    return f"{words}; nothing of it runs"


def _left(run: RunDirectory) -> str:
    left = ", ".join(f"{process.id} ({process.name})" for process in remains(run))
    return f"; still running: {left}" if left else ""


def _chunk(piece: Piece) -> dict[str, Any]:
    text = piece.content.decode(errors="replace")
    return {"stream": "stdout" if piece.stream == STDOUT else "stderr", "text": text, "offset": piece.offset}
