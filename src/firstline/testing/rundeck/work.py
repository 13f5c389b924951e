"""What a job's program sees and does."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

Say = Callable[[str, str, str], None]  # a line, its level, its node


class Failed(Exception):
    """Raised by a program: the execution has failed, on the nodes it names or on all."""

    def __init__(self, why: str, nodes: tuple[str, ...] = ()) -> None:
        super().__init__(why)
        self.nodes = nodes


class Work:
    """`options` has the secure ones too. `workers` is who works at it now."""

    def __init__(self, options: Mapping[str, str], nodes: tuple[str, ...], say: Say) -> None:
        self.options = options
        self.nodes = nodes
        self.workers: set[object] = set()
        self._say = say

    def say(self, text: str, level: str = "NORMAL", node: str = "") -> None:
        """Into the log, which has lines: a last one without its break gets one."""
        for line in text.split("\n")[: None if text and not text.endswith("\n") else -1]:
            self._say(line, level, node or self.nodes[0])

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[None]:
        """One more works, until the block is left."""
        worker = object()
        self.workers.add(worker)
        try:
            yield
        finally:
            self.workers.discard(worker)
