"""Counts what a connector asks of its vendor, and keeps what the vendor last said of its limit.

The connector only reports; the hub decides what may still be asked (one budget for a connection, shared by all
processes)."""

import threading
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True)
class Quota:
    """What a vendor's headers told of its limit. None: not told."""

    limit: int | None = None  # requests in a window
    remaining: int | None = None
    window: float | None = None  # seconds
    resets_at: datetime | None = None


class Meter:
    """Shared by the threads of one connector."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sent = 0
        self._quota: Quota | None = None

    def sent(self) -> None:
        """A request is about to go out. Called for each, however it ends."""
        with self._lock:
            self._sent += 1

    def told(self, quota: Quota) -> None:
        """The vendor spoke of its limit."""
        with self._lock:
            self._quota = quota

    def take(self) -> tuple[int, Quota | None]:
        """Requests sent since the last call, and the vendor's last word since then; the hub's alone."""
        with self._lock:
            taken = self._sent, self._quota
            self._sent, self._quota = 0, None
        return taken


def moment_of(epoch_seconds: str) -> datetime | None:
    """A header's seconds since 1970 as a time; None when it is none: the answer it stands in counts all the same."""
    try:
        return datetime.fromtimestamp(int(epoch_seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return None
