"""What commands printed, as it is kept and shown: masked whole, then cut to head and tail. Pure."""

from collections.abc import Callable, Sequence

from firstline.executor import Chunk

Mask = Callable[[str], str]


def joined(chunks: Sequence[Chunk], dropped: int, mask: Mask = str) -> str:
    """The output as one text, with what the executor dropped from its middle said where it is missing. What stands
    before and after is masked apart: a secret may be cut there."""
    parts: list[str] = []
    text: list[str] = []
    end = 0
    for chunk in chunks:
        if dropped and chunk.offset - end >= dropped // 2:
            parts += [mask("".join(text)), _gap(dropped, "bytes")]
            text, dropped = [], 0
        text.append(chunk.text)
        end = chunk.offset + len(chunk.text.encode())
    return "".join([*parts, mask("".join(text)), *([_gap(dropped, "bytes")] if dropped else [])])


class Excerpt:
    """`excerpt` of a text that comes in pieces, in bounded memory."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._head: list[str] = []
        self._tail: list[str] = []
        self._tail_size = 0

    def add(self, text: str) -> None:
        free = max(self._limit - self._size, 0)
        self._size += len(text)
        if free:
            self._head.append(text[:free])
        if beyond := text[free:]:
            self._tail.append(beyond)
            self._tail_size += len(beyond)
        if self._tail_size > 2 * self._limit:
            self._tail = ["".join(self._tail)[-self._limit :]]
            self._tail_size = len(self._tail[0])

    def text(self) -> str:
        if self._size <= self._limit:
            return "".join(self._head)
        half = self._limit // 2
        head, end = "".join(self._head), "".join([*self._head, *self._tail])[-half:] if half else ""
        return f"{head[:half]}{_gap(self._size - 2 * half, 'characters')}{end}"


def excerpt(text: str, limit: int) -> str:
    """Head and tail, each of half the limit in characters, with what is missing between said."""
    made = Excerpt(limit)
    made.add(text)
    return made.text()


def _gap(size: int, unit: str) -> str:
    return f"\n[... {size} {unit} left out ...]\n"
