"""A log that lies elsewhere, read page by page, with offsets of ours.

The other end has its own marks in its log; ours are bytes of text. Which mark stands at which offset is learned by
reading from the beginning, once; so the same offset is the same text for whoever looks, and nothing is kept on disk.
Memory holds the last part of the log, as much as the step's limit keeps of it, and one mark for each `STRIDE` bytes.
"""

import asyncio
from bisect import bisect_right
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Generic, Literal, NamedTuple, TypeVar

from firstline.executor import PIECE, Chunk
from firstline.executors.process.output import head_of, whole

Mark = TypeVar("Mark")
Stream = Literal["stdout", "stderr"]
STRIDE = 65_536
_CONTINUATION = bytes(range(0x80, 0xC0))


class Piece(NamedTuple):
    """Bytes of one stream, "stdout" or "stderr"; `offset` counts bytes of all output before it."""

    stream: Stream
    offset: int
    content: bytes

    @property
    def end(self) -> int:
        return self.offset + len(self.content)


class Page(NamedTuple, Generic[Mark]):
    """What stands from a mark on: streams with their bytes, the mark after them, and whether there is more by now."""

    texts: list[tuple[Stream, bytes]]
    mark: Mark
    more: bool


class Window(NamedTuple):
    """What one look gives, in the words of `Progress`."""

    output: tuple[Chunk, ...]
    offset: int
    more: bool
    dropped: int


class RemoteLog(Generic[Mark]):
    def __init__(
        self,
        read: Callable[[Mark], Awaitable[Page[Mark]]],
        beginning: Mark,
        limit: int,
        learn: Callable[[bytes], None] = lambda _: None,
    ) -> None:
        """`read` gives the page at a mark; its errors are passed on. `learn` is given all bytes once, in order."""
        self._read = read
        self._limit = limit
        self._learn = learn
        self._marks: list[tuple[int, Mark]] = [(0, beginning)]
        self._frontier: tuple[int, Mark] = (0, beginning)  # the furthest that was read
        self._last: deque[Piece] = deque()  # what stands right before it
        self._ended = False  # the frontier is the end
        self._lock = asyncio.Lock()

    async def window(self, offset: int, *, ended: bool) -> Window:
        """The output from `offset` on. While it goes on, as far as the head; after its end, what stays of it."""
        async with self._lock:
            if ended:
                await self._come_to_end()
                return await self._kept(offset)
            return await self._so_far(offset)

    async def _so_far(self, offset: int) -> Window:
        head = head_of(self._limit)
        more = True
        while more and self._frontier[0] < min(head, offset + PIECE):
            more = await self._advance()
        end = min(head, self._frontier[0])
        pieces = await self._pieces(offset, min(end, offset + PIECE))
        return _window(pieces, offset, more=_end(pieces, end) < end)

    async def _come_to_end(self) -> None:
        while not self._ended:
            self._ended = not await self._advance()

    async def _kept(self, offset: int) -> Window:
        total = self._frontier[0]
        if total <= self._limit:
            pieces = await self._pieces(offset, min(total, offset + PIECE))
            more = _end(pieces, offset) < total
            return _window(pieces, offset, more=more, final=not more)
        head, tail = await self._cut(total)
        start = offset if offset < head else max(offset, tail)
        stop = min(head if start < head else total, start + PIECE)
        pieces = await self._pieces(start, stop)
        if stop == head:
            pieces += await self._pieces(tail, min(total, tail + PIECE - (stop - start)))
        more = _end(pieces, start) < total
        return _window(pieces, start, more=more, dropped=tail - head, final=not more)

    async def _cut(self, total: int) -> tuple[int, int]:
        """Where the head ends and the tail begins, moved so that neither splits a character."""
        head, tail = head_of(self._limit), total - self._limit // 2
        before = b"".join(piece.content for piece in await self._pieces(max(0, head - 3), head))
        after = b"".join(piece.content for piece in await self._pieces(tail, min(tail + 3, total)))
        return head - len(before) + whole(before), tail + len(after) - len(after.lstrip(_CONTINUATION))

    async def _pieces(self, start: int, end: int) -> list[Piece]:
        """What stands there, all of it before the frontier: from memory, or read again."""
        if start >= end:
            return []
        if self._last and start >= self._last[0].offset:
            return _between(self._last, start, end)
        offset, mark = self._marks[bisect_right(self._marks, start, key=lambda known: known[0]) - 1]
        found: list[Piece] = []
        while offset < end:
            page = await self._read(mark)
            placed = _placed(page.texts, offset)
            if not placed and not page.more:
                break  # the other end has less by now than it had
            found += _between(placed, start, end)
            offset, mark = _end(placed, offset), page.mark
        return _joined(found)

    async def _advance(self) -> bool:
        """Read the next page, and say whether there is more by now."""
        offset, mark = self._frontier
        page = await self._read(mark)
        placed = _placed(page.texts, offset)
        for piece in placed:
            self._learn(piece.content)
        self._last += placed
        self._frontier = (_end(placed, offset), page.mark)
        if self._frontier[0] - self._marks[-1][0] >= STRIDE:
            self._marks.append(self._frontier)
        keep = self._limit // 2 + 3
        while self._last and self._last[0].end <= self._frontier[0] - keep:
            self._last.popleft()
        return page.more


def _placed(texts: Iterable[tuple[Stream, bytes]], offset: int) -> list[Piece]:
    placed = []
    for stream, content in texts:
        if content:
            placed.append(Piece(stream, offset, content))
            offset += len(content)
    return placed


def _end(pieces: list[Piece], otherwise: int) -> int:
    return pieces[-1].end if pieces else otherwise


def _between(pieces: Iterable[Piece], start: int, end: int) -> list[Piece]:
    return _joined(
        [
            Piece(each.stream, max(each.offset, start), each.content[max(0, start - each.offset) : end - each.offset])
            for each in pieces
            if each.offset < end and each.end > start
        ]
    )


def _joined(pieces: list[Piece]) -> list[Piece]:
    """Neighbours of one stream become one."""
    found: list[Piece] = []
    contents: list[list[bytes]] = []
    end = -1
    for piece in pieces:
        if found and found[-1].stream == piece.stream and end == piece.offset:
            contents[-1].append(piece.content)
        else:
            found.append(piece)
            contents.append([piece.content])
        end = piece.end
    return [first._replace(content=b"".join(parts)) for first, parts in zip(found, contents, strict=True)]


def _window(pieces: list[Piece], offset: int, *, more: bool, dropped: int = 0, final: bool = False) -> Window:
    """A character that is not whole at the window's end waits for the next look, unless the log ends there."""
    if pieces and not final:
        last = pieces.pop()
        if content := last.content[: whole(last.content)]:
            pieces.append(last._replace(content=content))
    chunks = (Chunk(stream=p.stream, text=p.content.decode(errors="replace"), offset=p.offset) for p in pieces)
    return Window(tuple(chunks), _end(pieces, offset), more, dropped)
