"""Plain scalars as the core schema of YAML 1.2 reads them (YAML 1.2.2, 10.3.2), with one difference: digits that begin
with a needless zero stay text, because `012` is a postcode or a code more often than twelve."""

import math
import re

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_LONGEST = 64  # int() on a text of a million digits takes minutes


def resolve(text: str) -> bool | int | float | str | None:
    """The value of an unquoted scalar. Raises ValueError for a number that JSON could not hold."""
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    return _number(text)


def _number(text: str) -> int | float | str:
    if _NOT_FINITE.fullmatch(text):
        raise ValueError("not a finite number; quote it if it is text")
    if len(text) > _LONGEST:
        return text
    if _INTEGER.fullmatch(text):
        return _bounded(int(text))
    if _BASED.fullmatch(text):
        return _bounded(int(text, 0))
    if _FLOAT.fullmatch(text):
        return _finite(float(text))
    return text


def _bounded(number: int) -> int:
    if not -(2**63) <= number < 2**63:
        raise ValueError("the number needs more than 64 bits; quote it if it is text")
    return number


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise ValueError("the number is too large; quote it if it is text")
    return number
