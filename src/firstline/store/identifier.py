"""Identifiers that sort by time, so that rows of the same second keep their order on every database."""

import secrets
import threading

from firstline.store import clock

_lock = threading.Lock()
_last = 0


def new_id() -> str:
    """A UUIDv7 (RFC 9562, 5.7) as 32 hex digits; grows strictly within a process, also within one millisecond."""
    global _last
    with _lock:
        # 48 bits of milliseconds and 12 bits of a fraction; nudged on when the clock stands still or goes back.
        _last = now = max(_last + 1, (clock.nanoseconds() << 12) // 1_000_000)
    high = (now >> 12 << 16) | 0x7000 | (now & 0xFFF)
    low = (0b10 << 62) | secrets.randbits(62)
    return f"{(high << 64) | low:032x}"
