"""What time it is: asked here alone by what keeps moments, so that a test can move it."""

from datetime import UTC, datetime, timedelta
from time import time_ns

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def nanoseconds() -> int:
    """Since 1970. A test puts its own `time_ns` in this module's."""
    return time_ns()


def now() -> datetime:
    return _EPOCH + timedelta(microseconds=nanoseconds() // 1000)
