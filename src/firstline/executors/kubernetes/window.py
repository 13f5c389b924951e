"""What is shown of a text that only the other end keeps: head and tail within a limit, a piece at a look.

A cluster gives a log from its beginning alone, so nothing is kept of it between two looks, as `polled.log` does where a
log has places of its own to go on from."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from firstline.executor import PIECE, Chunk
from firstline.executors.polled.log import Window
from firstline.executors.process.output import head_of, whole

_CONTINUATION = bytes(range(0x80, 0xC0))


def nothing(offset: int) -> Window:
    return Window((), offset, more=False, dropped=0)


async def growing(text: AsyncGenerator[bytes, None], offset: int, limit: int) -> Window:
    """Of a text that grows, told from its beginning: its head alone, as far as it is there, since what stays of the
    rest is not known before the end. A character that is not whole yet waits."""
    end = min(head_of(limit), offset + PIECE)
    content = bytearray()
    at = 0
    async with aclosing(text):
        async for piece in text:
            content += piece[max(0, offset - at) : max(0, end - at)]
            at += len(piece)
            if at >= end:
                break
    kept = bytes(content[: whole(bytes(content))])
    return Window(_chunks((offset, kept)), offset + len(kept), at >= end and end < head_of(limit), 0)


async def ended(text: AsyncGenerator[bytes, None], offset: int, limit: int) -> Window:
    """Of a text that grows no more, told from its beginning. Memory: about the limit, whatever its length."""
    head, tail = bytearray(), bytearray()
    total = 0
    async with aclosing(text):
        async for piece in text:
            total += len(piece)
            head += piece[: max(0, limit - len(head))]
            tail += piece
            del tail[: max(0, len(tail) - limit // 2)]
    if total <= limit:
        return _piece([(0, bytes(head))], total, offset, 0)
    first = bytes(head[: head_of(limit)])
    first = first[: whole(first)]
    begun = bytes(tail[:3])
    last = bytes(tail[len(begun) - len(begun.lstrip(_CONTINUATION)) :])
    dropped = total - len(last) - len(first)
    return _piece([(0, first), (total - len(last), last)], total, offset, dropped)


def _piece(parts: list[tuple[int, bytes]], total: int, offset: int, dropped: int) -> Window:
    """Of what stays, about `PIECE` bytes from `offset` on."""
    found: list[tuple[int, bytes]] = []
    room = PIECE
    for at, content in parts:
        rest = content[max(0, offset - at) :]
        taken = rest[:room] if len(rest) <= room else rest[: whole(rest[:room])]
        if taken:
            found.append((max(at, offset), taken))
        room -= len(taken)
        if len(taken) < len(rest):
            return Window(_chunks(*found), found[-1][0] + len(taken) if found else offset, True, dropped)
    return Window(_chunks(*found), max(offset, total), False, dropped)


def _chunks(*parts: tuple[int, bytes]) -> tuple[Chunk, ...]:
    return tuple(
        Chunk(stream="stdout", text=content.decode(errors="replace"), offset=at) for at, content in parts if content
    )
