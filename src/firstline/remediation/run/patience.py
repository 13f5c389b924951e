"""Tries to reach a target for as long as there is patience."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from firstline.errors import FirstlineError, Unavailable

SHORTEST_PAUSE, LONGEST_PAUSE = 0.05, 5.0  # seconds between two tries, where the other side asks for no longer one

T = TypeVar("T")


class OutOfReach(FirstlineError):
    """It could not be asked for as long as there was patience. `perhaps`: what it was asked may have been done."""

    def __init__(self, message: str, *, perhaps: bool) -> None:
        super().__init__(message)
        self.perhaps = perhaps


async def patiently(
    act: Callable[[], Awaitable[T]],
    patience: float | None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> T:
    """Try until it can be reached, and not before the wait that it asks for is over, unless patience is over first.
    Raises `OutOfReach` after `patience` seconds; None: `Unavailable` at once."""
    until = clock() + (patience or 0.0)
    pause, perhaps = SHORTEST_PAUSE, False
    while True:
        try:
            return await act()
        except Unavailable as error:
            if patience is None:
                raise
            perhaps = perhaps or error.perhaps
            left = until - clock()
            if left <= 0:
                raise OutOfReach(f"out of reach for {patience:g} s: {error}", perhaps=perhaps) from error
            wait = max(pause, min(error.retry_after or 0.0, left))
        await sleep(wait)
        pause = min(pause * 2, LONGEST_PAUSE)
