"""Waiting in tests for what another thread or process does: no fixed sleeps, and a clear end."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_pause = threading.Event()


def eventually(look: Callable[[], T | None], seconds: float = 20.0) -> T:
    """Look until the result is true, and give it. Raises AssertionError with the last result after so many seconds."""
    end = time.monotonic() + seconds
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds:g} s; last seen: {seen!r}")
        _pause.wait(0.02)
