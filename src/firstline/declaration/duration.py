"""Durations as people write them."""

import re
from typing import Annotated

from pydantic import BeforeValidator, Field

_FORM = re.compile(r"([0-9]{1,9})(ms|s|m|h)")
_MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}
LONGEST = 7 * 24 * 3600.0


def seconds(text: object) -> float:
    """`500ms`, `30s`, `5m`, `1h` in seconds. Raises ValueError for anything else, and beyond a week."""
    match = _FORM.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"a duration is a whole number and its unit, like 500ms, 30s, 5m or 1h; not {text!r}")
    length = int(match[1]) * _MILLISECONDS[match[2]] / 1000
    if length > LONGEST:
        raise ValueError(f"{text} is longer than a week")
    return length


Duration = Annotated[float, BeforeValidator(seconds)]
PositiveDuration = Annotated[float, Field(gt=0), BeforeValidator(seconds)]
