"""Values on their way into CEL and out of it: plain JSON, and nothing else."""

import math

from pydantic import JsonValue as Json

from firstline.errors import Rejected

_UNCODABLE = str.maketrans({0: "\ufffd"} | dict.fromkeys(range(0xD800, 0xE000), "\ufffd"))
_WIDEST = 2**63
_DEEPEST = 64


def inward(value: object, depth: int = 0) -> Json:
    """A value CEL can hold. The library cuts a text at a NUL, so that `"shop\\0x" == "shop"` would be true, and can't
    hold half a surrogate pair: both become U+FFFD. A whole number beyond 64 bits becomes its digits as text, as does
    what is not JSON; what is nested deeper than 64 becomes null."""
    if isinstance(value, str):
        return value if value.isascii() and "\0" not in value else value.translate(_UNCODABLE)
    if isinstance(value, dict | list | tuple):
        return None if depth >= _DEEPEST else _inside(value, depth + 1)
    if isinstance(value, int) and not -_WIDEST <= value < _WIDEST:
        return str(value)
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def _inside(value: dict[object, object] | list[object] | tuple[object, ...], depth: int) -> Json:
    if isinstance(value, dict):
        return {str(inward(str(key))): inward(each, depth) for key, each in value.items()}
    return [inward(each, depth) for each in value]


def outward(value: object) -> Json:
    """A result as JSON. Raises `Rejected` for the types CEL has beside it: bytes, times, durations, types."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise Rejected("the result is not a finite number")
        return value
    if isinstance(value, list):
        return [outward(each) for each in value]
    if isinstance(value, dict):
        return {_key(key): outward(each) for key, each in value.items()}
    raise Rejected(f"the result has the type {type(value).__name__}; make it text with string()")


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise Rejected(f"the result has a key that is not text: {key!r}")
    return key


def text(value: Json) -> str:
    """A value as a part of a longer text: `true`, `3`, `1.5`. Raises `Rejected` for null, lists and maps: silently
    empty or cut text is how a command comes to work on the wrong thing."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < _WIDEST else repr(value)
    raise Rejected(f"{'null' if value is None else 'a list' if isinstance(value, list) else 'a map'} is no text")
