"""The output of a run on disk: bytes in order, which stream each came from, and the middle dropped.

It is cut into segments of one size. Segment N is two files: `output.N`, the bytes as they came, and `streams.N`, one
record for each change of stream. The first and the last two segments stay; that is enough for head and tail, and bounds
the disk at one and a half times the limit (three segments, for a small limit).

While a run goes on, only the head can be read: what of the rest will stay is not known before the end. So the pieces
that readers get are the same however often they look, and together never exceed the limit.
"""

from __future__ import annotations

import os
import struct
from bisect import bisect_right
from pathlib import Path
from typing import BinaryIO, NamedTuple

STDOUT, STDERR = 1, 2
SEGMENT = 65_536  # the least size of one: a small limit shall not make many files
LOOK = 1_048_576  # bytes that one reading gives at most
PIECES = 4096  # that one reading gives at most: who writes to both streams in turn makes many
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
_SWITCH = struct.Struct("!QB")  # offset in the whole output, stream
_CONTINUATION = bytes(range(0x80, 0xC0))


class Piece(NamedTuple):
    """Bytes of one stream; `offset` counts bytes of all output before it."""

    stream: int
    offset: int
    content: bytes


class Reading(NamedTuple):
    """`offset` is where to go on; `dropped` bytes are missing from the middle. `more`: there is something already."""

    pieces: list[Piece]
    offset: int
    dropped: int
    more: bool = False


def head_of(limit: int) -> int:
    return limit - limit // 2


def whole(content: bytes) -> int:
    """How much of `content` is whole characters of UTF-8: less than all when it ends inside of one."""
    for back, byte in enumerate(reversed(content[-3:]), start=1):
        if byte >= 0xC0:
            length = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return len(content) - back if length > back else len(content)
        if byte < 0x80:
            break
    return len(content)


class OutputWriter:
    """Appends what a command writes, until it is closed; what comes later is dropped. A disk that takes no more does
    not stop the command: `failure` says so."""

    def __init__(self, directory: Path, limit: int) -> None:
        self.failure = ""
        self._closed = False
        self._directory = directory
        self._size = max(head_of(limit), SEGMENT)
        self._total = 0
        self._stream = 0
        self._held = {STDOUT: b"", STDERR: b""}  # begun characters, so that the other stream can't split them
        self._files: tuple[BinaryIO, BinaryIO] | None = None

    def write(self, stream: int, content: bytes) -> None:
        if self._closed:
            return
        content = self._held[stream] + content
        cut = whole(content)
        self._held[stream] = content[cut:]
        self._append(stream, content[:cut])

    def close(self) -> None:
        for stream, rest in self._held.items():
            self._append(stream, rest)
        self._close_segment()
        self._closed = True

    def _append(self, stream: int, content: bytes) -> None:
        try:
            while content and not self.failure:
                output, streams = self._segment()
                if stream != self._stream:
                    # Before the bytes it speaks of: a reader that sees those sees this.
                    streams.write(_SWITCH.pack(self._total, stream))
                    self._stream = stream
                written = output.write(content[: self._size - self._total % self._size])
                self._total += written
                content = content[written:]
        except OSError as error:
            self.failure = str(error)

    def _segment(self) -> tuple[BinaryIO, BinaryIO]:
        number, position = divmod(self._total, self._size)
        if position == 0 or self._files is None:
            self._close_segment()
            self._files = (self._create("output", number), self._create("streams", number))
            self._stream = 0
            if number >= 3:
                self._remove(number - 2)
        return self._files

    def _create(self, kind: str, number: int) -> BinaryIO:
        path = self._directory / f"{kind}.{number}"
        return open(os.open(path, _CREATE, 0o600), "wb", buffering=0)  # noqa: PTH123

    def _remove(self, number: int) -> None:
        for kind in ("output", "streams"):
            (self._directory / f"{kind}.{number}").unlink()

    def _close_segment(self) -> None:
        for file in self._files or ():
            file.close()
        self._files = None


class OutputReader:
    """Gives at most `most` bytes at a time, in as much memory; at least a character."""

    def __init__(self, directory: Path, limit: int, most: int = LOOK) -> None:
        self._directory = directory
        self._limit = limit
        self._most = max(most, 4)
        self._head = head_of(limit)
        self._size = max(self._head, SEGMENT)

    def so_far(self, offset: int) -> Reading:
        """What is there of the head from `offset` on. A character that is not whole yet waits."""
        end = min(self._length(0), self._head)
        if end <= offset:
            return Reading([], offset, 0)
        pieces = self._pieces(offset, min(end, offset + self._most))
        reached = _end(pieces)
        pieces = _cut_to_whole(pieces)
        return Reading(pieces, _end(pieces) if pieces else offset, 0, reached < end)

    def all(self, offset: int) -> Reading:
        """What stays of an output that grows no more, from `offset` on."""
        total = self._total()
        head, tail = self._cut(total) if total > self._limit else (total, total)
        pieces: list[Piece] = []
        left = self._most
        for start, end in ((offset, head), (max(offset, tail), total)):
            found = self._pieces(start, min(end, start + left))
            reached = _end(found) if found else start
            if reached < end:
                pieces += _cut_to_whole(found)
                return Reading(pieces, _end(pieces) if pieces else offset, tail - head, more=True)
            pieces += found
            left -= reached - start
        return Reading(pieces, max(offset, total), tail - head)

    def _cut(self, total: int) -> tuple[int, int]:
        """Where the head ends and the tail begins, moved so that neither splits a character."""
        last = self._pieces(max(0, self._head - 3), self._head)[-1]
        head = last.offset + whole(last.content)
        tail = total - self._limit // 2
        first = b"".join(piece.content for piece in self._pieces(tail, min(tail + 3, total))[:1])
        return head, tail + len(first) - len(first.lstrip(_CONTINUATION))

    def _total(self) -> int:
        numbers = [int(file.suffix[1:]) for file in self._directory.glob("output.*")]
        last = max(numbers, default=0)
        return last * self._size + self._length(last)

    def _length(self, number: int) -> int:
        try:
            return (self._directory / f"output.{number}").stat().st_size
        except FileNotFoundError:
            return 0

    def _pieces(self, start: int, end: int) -> list[Piece]:
        """Without a gap from `start` on; to `end`, or until there are very many."""
        pieces: list[Piece] = []
        while start < end and len(pieces) < PIECES:
            number = start // self._size
            for piece in self._in_segment(number, start, min(end, (number + 1) * self._size)):
                if pieces and pieces[-1].stream == piece.stream:
                    piece = Piece(piece.stream, pieces[-1].offset, pieces.pop().content + piece.content)
                pieces.append(piece)
            start = _end(pieces)
        return pieces

    def _in_segment(self, number: int, start: int, stop: int) -> list[Piece]:
        with (self._directory / f"output.{number}").open("rb") as file:
            file.seek(start % self._size)
            content = file.read(stop - start)
        pieces: list[Piece] = []
        with (self._directory / f"streams.{number}").open("rb") as file:
            switches = _Switches(file)
            at = max(bisect_right(switches, start) - 1, 0)
            begin = start
            while begin < stop and len(pieces) < PIECES:
                finish = min(switches[at + 1] if at + 1 < len(switches) else stop, stop)
                pieces.append(Piece(switches.stream(at), begin, content[begin - start : finish - start]))
                begin, at = finish, at + 1
        return pieces


class _Switches:
    """Where the stream changes, of one segment, ascending. Read one by one: there may be millions."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file.fileno()
        self._length = os.fstat(self._file).st_size // _SWITCH.size

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, at: int) -> int:
        return self._record(at)[0]

    def stream(self, at: int) -> int:
        # None at all: power failed before they were on the disk.
        return self._record(at)[1] if self._length else STDOUT

    def _record(self, at: int) -> tuple[int, int]:
        offset, stream = _SWITCH.unpack(os.pread(self._file, _SWITCH.size, at * _SWITCH.size))
        return offset, stream


def _end(pieces: list[Piece]) -> int:
    return pieces[-1].offset + len(pieces[-1].content)


def _cut_to_whole(pieces: list[Piece]) -> list[Piece]:
    """Without the beginning of a character at the end."""
    if not pieces:
        return pieces
    last = pieces[-1]
    content = last.content[: whole(last.content)]
    return [*pieces[:-1], last._replace(content=content)] if content else pieces[:-1]
