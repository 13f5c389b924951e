"""The runs that were looked at last: their place in their output is remembered. Whatever is forgotten is read again."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

R = TypeVar("R")
FOLLOWED = 64


class Memory(Generic[R]):
    def __init__(self) -> None:
        self._runs: OrderedDict[str, R] = OrderedDict()

    def run(self, where: str, make: Callable[[], R]) -> R:
        """The run at this address, made when it is not remembered."""
        if where not in self._runs:
            self._runs[where] = make()
        self._runs.move_to_end(where)
        while len(self._runs) > FOLLOWED:
            self._runs.popitem(last=False)
        return self._runs[where]
