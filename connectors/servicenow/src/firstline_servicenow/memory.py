"""What was looked up a moment ago, so as not to spend the tenant's request limit on asking again."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

ValueT = TypeVar("ValueT")

LIFETIME = 300.0  # seconds
SIZE = 1000


class Memory(Generic[ValueT]):
    """Keeps the newest `SIZE` values for `LIFETIME` seconds each."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: OrderedDict[str, tuple[float, ValueT]] = OrderedDict()

    def get(self, key: str) -> ValueT | None:
        found = self._kept.get(key)
        if found is None or found[0] <= self._clock():
            return None
        return found[1]

    def keep(self, key: str, value: ValueT) -> ValueT:
        self._kept.pop(key, None)
        self._kept[key] = (self._clock() + LIFETIME, value)
        while len(self._kept) > SIZE:
            self._kept.popitem(last=False)
        return value

    def drop(self, key: str) -> None:
        self._kept.pop(key, None)
