"""The output of a run on disk: bytes in order, which stream each came from, and the middle dropped.

It is cut into segments of one size. Segment N is two files: `output.N`, the bytes as they came, and `streams.N`, one
record for each change of stream. The first and the last two segments stay; that is enough for head and tail, and bounds
the disk at one and a half times the limit (three segments, for a small limit).

While a run goes on, only the head can be read: what of the rest will stay is not known before the end. So the pieces
that readers get are the same however often they look, and together never exceed the limit.
"""

import struct
from bisect import bisect_right
from pathlib import Path
from typing import BinaryIO, NamedTuple

STDOUT, STDERR = 1, 2
SEGMENT = 65_536  # the least size of one: a small limit shall not make many files
_SWITCH = struct.Struct("!QB")  # offset in the whole output, stream
_CONTINUATION = bytes(range(0x80, 0xC0))


class Piece(NamedTuple):
    """Bytes of one stream; `offset` counts bytes of all output before it."""

    stream: int
    offset: int
    content: bytes


class Reading(NamedTuple):
    """`offset` is where to go on; `dropped` bytes are missing from the middle."""

    pieces: list[Piece]
    offset: int
    dropped: int


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
        return (self._directory / f"{kind}.{number}").open("wb", buffering=0)

    def _remove(self, number: int) -> None:
        for kind in ("output", "streams"):
            (self._directory / f"{kind}.{number}").unlink()

    def _close_segment(self) -> None:
        for file in self._files or ():
            file.close()
        self._files = None


class OutputReader:
    def __init__(self, directory: Path, limit: int) -> None:
        self._directory = directory
        self._limit = limit
        self._head = head_of(limit)
        self._size = max(self._head, SEGMENT)

    def so_far(self, offset: int) -> Reading:
        """What is there of the head from `offset` on. A character that is not whole yet waits."""
        end = min(self._length(0), self._head)
        if end <= offset:
            return Reading([], offset, 0)
        pieces = self._pieces(offset, end)
        last = pieces.pop()
        content = last.content[: whole(last.content)]
        if content:
            pieces.append(last._replace(content=content))
        return Reading(pieces, last.offset + len(content), 0)

    def all(self, offset: int) -> Reading:
        """What stays of an output that grows no more, from `offset` on."""
        total = self._total()
        if total <= self._limit:
            return Reading(self._pieces(offset, total), max(offset, total), 0)
        head, tail = self._cut(total)
        pieces = self._pieces(offset, head) + self._pieces(max(offset, tail), total)
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
        pieces: list[Piece] = []
        while start < end:
            number = start // self._size
            stop = min(end, (number + 1) * self._size)
            for piece in self._in_segment(number, start, stop):
                if pieces and pieces[-1].stream == piece.stream:
                    piece = Piece(piece.stream, pieces[-1].offset, pieces.pop().content + piece.content)
                pieces.append(piece)
            start = stop
        return pieces

    def _in_segment(self, number: int, start: int, stop: int) -> list[Piece]:
        with (self._directory / f"output.{number}").open("rb") as file:
            file.seek(start % self._size)
            content = file.read(stop - start)
        switches = self._switches(number) or [(start, STDOUT)]  # none: power failed before they were on the disk
        first = bisect_right(switches, start, key=lambda switch: switch[0]) - 1
        pieces = []
        for at, (begin, stream) in enumerate(switches[first:], start=first + 1):
            if begin >= stop:
                break
            begin = max(begin, start)
            finish = min(switches[at][0] if at < len(switches) else stop, stop)
            pieces.append(Piece(stream, begin, content[begin - start : finish - start]))
        return pieces

    def _switches(self, number: int) -> list[tuple[int, int]]:
        records = (self._directory / f"streams.{number}").read_bytes()
        return list(_SWITCH.iter_unpack(records[: len(records) // _SWITCH.size * _SWITCH.size]))
