"""What a run prints, taken as it comes: masked, into its log, and head and tail of it for the database. What it holds
in memory does not grow with what is printed."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from firstline.executor import Chunk, Executor, Handle, Progress
from firstline.remediation.note.output import Excerpt
from firstline.remediation.run.log import HUB, Kept, LogWriter, Stream
from firstline.visible import unstyled

LONGEST = 16_384  # characters of a line that are kept together
WORDS = 300  # characters of a complaint
FIRST_LOOK = 0.02  # seconds, where the executor does not hear of the end by itself
LONGEST_LOOK = 1.0


class Masking(Protocol):
    """Masks a text that comes in pieces. Gives what of it is safe to show; `close` gives the rest."""

    def feed(self, text: str, /) -> str: ...
    def close(self) -> str: ...


@dataclass(frozen=True)
class Printed:
    """All that a run printed, as it is kept: head and tail, and the size and digest of its log; and the last line that
    says something on its stderr."""

    excerpt: str
    log: Kept
    complaint: str = ""


class Record:
    """One run's, from its first byte, also when it is followed for the second time; closed without anything added it
    gives what was recorded before. Each stream is masked by itself: a
    secret goes on in its own stream. Lines are in the order in which they ended."""

    def __init__(self, log: LogWriter, masking: Callable[[], Masking], limit: int) -> None:
        """`limit`: characters of the excerpt."""
        self._log = log
        self._excerpt = Excerpt(limit)
        self._make = masking
        self._masking: dict[Stream, Masking] = {}
        self._begun: dict[Stream, str] = {"stdout": "", "stderr": ""}  # of a line, masked
        self._end = 0
        self._told = 0  # of what was dropped
        self._complaint = ""
        self._open: Stream | None = None  # whose line the excerpt ends with, where that has not ended

    def add(self, chunks: Sequence[Chunk], dropped: int = 0) -> None:
        """`dropped`: bytes that the executor left out of all output, once it knows."""
        for chunk in chunks:
            if dropped > self._told and chunk.offset - self._end >= (dropped - self._told) // 2:
                self._leave_out(dropped)
            if chunk.stream not in self._masking:
                self._masking[chunk.stream] = self._make()
            self._take(chunk.stream, self._masking[chunk.stream].feed(chunk.text))
            self._end = chunk.offset + len(chunk.text.encode("utf-8", "replace"))
        self._log.flush()

    def close(self, dropped: int = 0) -> Printed:
        """Raises `Unavailable` when somebody else follows the run now."""
        self._break()
        if dropped > self._told:  # its place is not known
            self._leave_out(dropped)
        for line in self._log.rest():
            self._show(line.stream, line.text, whole=line.whole)
        kept = self._log.close()
        if self._log.failure:
            self._excerpt.add(f"\n[... the full log is not whole: {self._log.failure} ...]\n")
        return Printed(self._excerpt.text(), kept, self._complaint)

    def drop(self) -> None:
        self._log.drop()

    def _leave_out(self, dropped: int) -> None:
        self._break()
        told, self._told = f"{dropped - self._told} bytes left out", dropped
        self._log.write(HUB, told, whole=True)
        self._excerpt.add(f"\n[... {told} ...]\n")
        self._open = None

    def _break(self) -> None:
        """What comes next does not go on where this ends: a secret may be cut here."""
        for stream, masking in self._masking.items():
            self._take(stream, masking.close())
            if begun := self._begun[stream]:
                self._line(stream, begun, whole=False)
            self._begun[stream] = ""
        self._masking = {}

    def _take(self, stream: Stream, text: str) -> None:
        *lines, begun = (self._begun[stream] + text).split("\n")
        for line in lines:
            self._line(stream, line, whole=True)
        while len(begun) > LONGEST:
            self._line(stream, begun[:LONGEST], whole=False)
            begun = begun[LONGEST:]
        self._begun[stream] = begun

    def _line(self, stream: Stream, text: str, *, whole: bool) -> None:
        # PostgreSQL keeps no NUL in text, and grep takes what has one for no text at all.
        text = text.replace("\x00", "\N{SYMBOL FOR NULL}")
        if not text.isascii():  # no database keeps half a surrogate pair
            text = text.encode("utf-8", "replace").decode()
        self._show(stream, self._log.write(stream, text, whole=whole), whole=whole)

    def _show(self, stream: Stream, text: str, *, whole: bool) -> None:
        if self._open not in (None, stream):
            self._excerpt.add("\n")
        self._open = None if whole else stream
        if stream == "stderr" and (said := unstyled(text).strip()):
            self._complaint = said[:WORDS]
        self._excerpt.add(f"{text}\n" if whole else text)


async def follow(executor: Executor[Any], handle: Handle, record: Record) -> tuple[Progress, Printed]:
    """Follow a run to its end. Raises what the executor raises; what was written of it stays, and is found again when
    the run is followed anew."""
    offset, pause = 0, FIRST_LOOK
    try:
        while True:
            progress = await executor.watch(handle, offset)
            if progress.output:
                await asyncio.to_thread(record.add, progress.output, progress.dropped)
            more, offset = progress.more and progress.offset > offset, progress.offset
            if progress.state.ended and not more:
                return progress, await asyncio.to_thread(record.close, progress.dropped)
            if not more:
                await executor.wait(handle, pause)
                pause = min(pause * 1.5, LONGEST_LOOK)
    finally:
        record.drop()
