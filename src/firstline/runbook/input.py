"""A runbook's inputs: what it declares, and whether a value fits. Values come out of tickets that anybody may write, so
each is bounded and a value of another type is refused, never converted."""

import math
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from firstline.declaration import Declaration, Json
from firstline.errors import Rejected
from firstline.expression import Scope

_SCOPE = Scope({"text": "string", "pattern": "string"})
_MATCHES = _SCOPE.compile("text.matches(pattern)")
_EXACT = 2**53


class _Input(Declaration):
    description: str = ""


class StringInput(_Input):
    """`pattern` (RE2 syntax) matches the whole text; lengths count characters."""

    type: Literal["string"]
    pattern: str = ""
    min_length: int = Field(default=0, ge=0)
    max_length: int = Field(default=1000, ge=1, le=32_768)
    enum: tuple[str, ...] = ()
    default: str | None = None


class IntegerInput(_Input):
    type: Literal["integer"]
    minimum: int | None = None
    maximum: int | None = None
    default: int | None = None


class NumberInput(_Input):
    type: Literal["number"]
    minimum: float | None = None
    maximum: float | None = None
    default: float | None = None


class BooleanInput(_Input):
    type: Literal["boolean"]
    default: bool | None = None


Input = Annotated[StringInput | IntegerInput | NumberInput | BooleanInput, Field(discriminator="type")]


def validate(declared: Mapping[str, Input], given: Mapping[str, Json]) -> dict[str, Json]:
    """The value of every declared input, in the order declared. Raises `Rejected` that names each one that is unknown,
    missing or does not fit."""
    faults = [f"{name}: the runbook has no such input" for name in given if name not in declared]
    values: dict[str, Json] = {}
    for name, one in declared.items():
        try:
            values[name] = value(one, given[name] if name in given else _default(one))
        except Rejected as error:
            faults.append(f"{name}: {error}")
    if faults:
        raise Rejected(f"inputs: {'; '.join(faults)}")
    return values


def value(declared: Input, given: Json) -> Json:
    """`given` if it fits the input. A whole float is an integer: JSON does not tell them apart. Raises `Rejected`."""
    if isinstance(declared, StringInput):
        return _string(declared, given)
    if isinstance(declared, BooleanInput):
        if not isinstance(given, bool):
            raise Rejected(f"must be true or false, not {_shown(given)}")
        return given
    return _number(declared, given)


def pattern_fault(pattern: str) -> str:
    """What is wrong with a pattern, in words; empty when nothing is."""
    try:
        _matches("", pattern)
    except Rejected as error:
        return str(error)
    return ""


def _default(declared: Input) -> Json:
    if declared.default is None:
        raise Rejected("is missing")
    return declared.default


def _string(declared: StringInput, given: Json) -> str:
    if not isinstance(given, str):
        raise Rejected(f"must be text, not {_shown(given)}")
    if not declared.min_length <= len(given) <= declared.max_length:
        raise Rejected(f"has {len(given)} characters, not {declared.min_length} to {declared.max_length}")
    if "\0" in given or not _encodes(given):
        raise Rejected(f"has a character that no command can take: {_shown(given)}")
    if declared.enum and given not in declared.enum:
        raise Rejected(f"must be one of {', '.join(declared.enum)}, not {_shown(given)}")
    if declared.pattern and not _matches(given, rf"\A(?:{declared.pattern})\z"):
        raise Rejected(f"does not match {declared.pattern}: {_shown(given)}")
    return given


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _matches(text: str, pattern: str) -> bool:
    return _MATCHES.test(_SCOPE.bind({"text": text, "pattern": pattern}))


def _number(declared: IntegerInput | NumberInput, given: Json) -> int | float:
    if isinstance(given, bool) or not isinstance(given, int | float) or not math.isfinite(given):
        raise Rejected(f"must be a number, not {_shown(given)}")
    number: int | float = float(given) if isinstance(declared, NumberInput) else _whole(given)
    if declared.minimum is not None and number < declared.minimum:
        raise Rejected(f"must be at least {declared.minimum}, not {number}")
    if declared.maximum is not None and number > declared.maximum:
        raise Rejected(f"must be at most {declared.maximum}, not {number}")
    return number


def _whole(given: float) -> int:
    if isinstance(given, float) and not (given.is_integer() and abs(given) <= _EXACT):
        raise Rejected(f"must be a whole number, not {given}")
    if not -(2**63) <= given < 2**63:
        raise Rejected(f"must fit in 64 bits, not {_shown(given)}")
    return int(given)


def _shown(given: Json) -> str:
    text = repr(given)
    return text if len(text) <= 80 else f"{text[:77]}..."
