"""One spelling for one JSON value, so that equal values have equal digests."""

import hashlib
import json
import math

from firstline.declaration.model import Json

_EXACT = 2**53  # up to here every whole number is a float as well


def canonical(value: Json) -> bytes:
    """UTF-8 JSON without spaces, keys sorted by code point. A whole float is written as the integer it is: `30.0` and
    `30` are one value to a person. Raises ValueError for what JSON can't hold."""
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest(value: Json) -> str:
    """SHA-256 of the canonical form, 64 hexadecimal digits."""
    return hashlib.sha256(canonical(value)).hexdigest()


def _plain(value: Json) -> Json:
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise ValueError("a key that is not text has no canonical form")
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float):
        return _number(value)
    if value is None or isinstance(value, str | int):
        return value
    raise ValueError(f"{type(value).__name__} has no canonical form")


def _number(value: float) -> int | float:
    if not math.isfinite(value):
        raise ValueError(f"{value} has no canonical form")
    return int(value) if value.is_integer() and abs(value) <= _EXACT else value
