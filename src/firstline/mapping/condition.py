"""Recognises the conditions that can be looked up instead of evaluated: a path equals a literal, or one of some."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from firstline.declaration import Json
from firstline.errors import Misdeclared, Rejected
from firstline.expression import Scope, Token, tokens
from firstline.mapping.variable import NUMBERS

_NOTHING = Scope({})
_LITERAL = frozenset({"text", "number"})


class Condition(NamedTuple):
    """True exactly when the value at `path` is one of `literals`. `variable` is the variable the path begins with and
    `keys` what follows it, inside of a map."""

    path: str
    variable: str
    keys: tuple[str, ...]
    literals: tuple[str | int, ...]


def condition(text: str, scope: Scope) -> Condition | None:
    """The condition a clause states, or None when it is none of the two forms."""
    found = list(tokens(text))
    for operator in ("==", "in"):
        sides = _split(found, operator)
        if sides:
            return _either(*sides, operator, scope)
    return None


def lookup(one: Condition, values: Mapping[str, Json]) -> str | int | None:
    """The value at the path, if it is one a literal could equal."""
    value: Any = values.get(one.variable)
    for key in one.keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, str | int) and not isinstance(value, bool) else None


def _split(found: list[Token], operator: str) -> tuple[list[Token], list[Token]] | None:
    places = [number for number, token in enumerate(found) if token.text == operator]
    return (found[: places[0]], found[places[0] + 1 :]) if len(places) == 1 else None


def _either(left: list[Token], right: list[Token], operator: str, scope: Scope) -> Condition | None:
    if operator == "in":
        return _condition(left, _literals(right), scope)
    return _condition(left, _literal(right), scope) or _condition(right, _literal(left), scope)


def _condition(side: list[Token], literals: tuple[str | int, ...], scope: Scope) -> Condition | None:
    path = _path(side)
    variable = next((each for each in _prefixes(path) if each in scope.variables), "")
    if not variable or not literals:
        return None
    if any(isinstance(each, int) for each in literals) and path not in NUMBERS:
        return None  # in a vendor's record 1 may stand as 1.0
    return Condition(path, variable, tuple(path[len(variable) :].split(".")[1:]), literals)


def _path(found: list[Token]) -> str:
    """`a.b.c`, or nothing."""
    names = [token for token in found if token.kind == "name"]
    dotted = ".".join(token.text for token in names)
    return dotted if dotted == "".join(token.text for token in found) else ""


def _prefixes(path: str) -> list[str]:
    parts = path.split(".")
    return [".".join(parts[:length]) for length in range(len(parts), 0, -1)]


def _literal(found: list[Token]) -> tuple[str | int, ...]:
    """The text or the whole number that a single token spells."""
    return _fit([_value(found)]) if len(found) == 1 and found[0].kind in _LITERAL else ()


def _literals(found: list[Token]) -> tuple[str | int, ...]:
    """Those of a list of literals."""
    if not all(token.kind in _LITERAL or token.text in {"[", ",", "]"} for token in found):
        return ()
    value = _value(found)
    return _fit(value) if isinstance(value, list) else ()


def _value(found: list[Token]) -> Json:
    """CEL itself reads its literals."""
    try:
        return _NOTHING.compile("".join(token.text for token in found)).evaluate(_NOTHING.bind({}))
    except (Misdeclared, Rejected):
        return None


def _fit(values: list[Json]) -> tuple[str | int, ...]:
    """The values, when each of them is text or a whole number."""
    fit = [each for each in values if isinstance(each, str | int) and not isinstance(each, bool)]
    return tuple(fit) if len(fit) == len(values) else ()
