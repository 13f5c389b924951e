"""Compiles and evaluates CEL.

`Scope` and `Expression` may be shared by threads: the library holds the interpreter's lock while it works, and nothing
here changes after it is made, apart from a cache whose entries are equal. One evaluation is bounded by the library:
10,000 rounds of iteration, 32 levels of nesting, regular expressions in linear time (RE2)."""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Literal

from cel_expr_python import cel
from cel_expr_python.ext import ext_strings
from pydantic import JsonValue as Json

from firstline.errors import Misdeclared, Rejected
from firstline.expression.plain import inward, outward

LENGTH_LIMIT = 4096  # characters of one expression

Type = Literal["string", "integer", "number", "boolean", "map", "any"]

_TYPES: dict[Type, Any] = {
    "string": cel.Type.STRING,
    "integer": cel.Type.INT,
    "number": cel.Type.DOUBLE,
    "boolean": cel.Type.BOOL,
    "map": cel.Type.Map(cel.Type.STRING, cel.Type.DYN),
    "any": cel.Type.DYN,
}
_NAMES = {"STRING": "string", "INT": "integer", "UINT": "integer", "DOUBLE": "number", "BOOL": "boolean"}
_FAULT = re.compile(r"ERROR: <input>:(\d+):(\d+): (.*)")
_UNDECLARED = re.compile(r"undeclared reference to '([^']*)'")
_CODE = re.compile(r"^[A-Z_]+: | \[[A-Z_]+\]$")
_HAS = re.compile(r"\bhas\(\s*([A-Za-z_][\w.]*)\s*\)")
_OVERLOAD = re.compile(
    r"(?:No matching overloads found : |found no matching overload for ')_?([^\s_(']+)_?(?:' applied to ')?"
)
_UNBOUND = re.compile(r'No value with name "([^"]*)" found in Activation')


class ExpressionFault(Misdeclared):
    """An expression or template does not compile. `offset` counts characters from the start of its text."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


class Bindings:
    """The values of a scope's variables for one occasion, converted once and used by many expressions."""

    def __init__(self, activation: Any, values: Mapping[str, Json]) -> None:
        self.activation = activation
        self.values = values


class Scope:
    """The variables that expressions may use. A name may have dots (`incident.title`): each such path is a variable of
    its own type, so a misspelt field and a comparison with the wrong type are found when the expression is compiled."""

    def __init__(self, variables: Mapping[str, Type]) -> None:
        self.variables = dict(variables)
        types = {name: _TYPES[kind] for name, kind in variables.items()}
        self._environment = cel.NewEnv(variables=types, extensions=[ext_strings.ExtStrings()])
        self._compiled: dict[str, Expression] = {}

    def bind(self, values: Mapping[str, Json]) -> Bindings:
        """Values by the scope's names. A name left out is an error only to the expression that uses it."""
        clean = {name: inward(value) for name, value in values.items()}
        return Bindings(self._environment.Activation(clean), clean)

    def compile(self, text: str) -> "Expression":
        """Compile, or find what the same text compiled to. Raises `ExpressionFault`."""
        if text not in self._compiled:
            self._compiled[text] = self._compile(text)
        return self._compiled[text]

    def _compile(self, text: str) -> "Expression":
        if not text.strip():
            raise ExpressionFault("an expression is missing", 0)
        if len(text) > LENGTH_LIMIT:
            raise ExpressionFault(f"an expression is longer than {LENGTH_LIMIT} characters", LENGTH_LIMIT)
        if "\0" in text:
            raise ExpressionFault("a NUL character", text.index("\0"))
        self._refuse_has(text)
        try:
            return Expression(text, self._environment.compile(text))
        except RuntimeError as error:  # all that the library raises
            raise self._fault(text, str(error)) from error

    def _refuse_has(self, text: str) -> None:
        """The library takes `has(x)` of a variable for `x` itself."""
        for found in _HAS.finditer(text):
            if found[1] in self.variables:
                raise ExpressionFault(
                    f"{found[1]} is always there; has() asks for a key inside of a map", found.start()
                )

    def _fault(self, text: str, words: str) -> ExpressionFault:
        found = _FAULT.search(words)
        if found is None:
            return ExpressionFault(_tidy(words), 0)
        before = text.split("\n")[: int(found[1]) - 1]
        offset = min(sum(len(line) + 1 for line in before) + int(found[2]) - 1, len(text))
        name = _UNDECLARED.match(found[3])
        return self._undeclared(text, offset, name[1]) if name else ExpressionFault(_tidy(found[3]), offset)

    def _undeclared(self, text: str, offset: int, name: str) -> ExpressionFault:
        """The library points at the last dot of a path, and at the parenthesis of a call."""
        if text.startswith("(", offset):
            return ExpressionFault(f"unknown function {name!r}", max(text.rfind(name, 0, offset), 0))
        inside = sorted(each for each in self.variables if each.startswith(f"{name}."))
        near = inside or get_close_matches(name, self.variables, n=1, cutoff=0.7)
        hint = f"; it has {', '.join(inside)}" if inside else f"; is it {near[0]!r}?" if near else ""
        return ExpressionFault(f"unknown name {name!r}{hint}", max(offset - max(name.rfind("."), 0), 0))


class Expression:
    """A compiled expression. `type` is what it gives as far as that can be known beforehand, else `any`."""

    def __init__(self, text: str, compiled: Any) -> None:
        self.text = text
        self._compiled = compiled
        returned = compiled.return_type().name()
        self.type: str = "any" if returned == "DYN" else _NAMES.get(returned, returned.lower())

    def evaluate(self, bindings: Bindings) -> Json:
        """The value as plain JSON. Raises `Rejected`, in words, when it can't be computed."""
        return outward(self._evaluate(bindings).plain_value())

    def test(self, bindings: Bindings) -> bool:
        """The value of a condition. Raises `Rejected` when it can't be computed or is not a bool."""
        value = self._evaluate(bindings)
        if value.type() != cel.Type.BOOL:
            raise Rejected(f"the condition gives {value.type()}, not true or false")
        return bool(value.value())

    def _evaluate(self, bindings: Bindings) -> Any:
        try:
            value = self._compiled.eval(bindings.activation)
            failed = value.type() == cel.Type.ERROR
            words = str(value.value()) if failed else ""
        except RuntimeError as error:  # the library's bounds: iteration, nesting
            raise Rejected(_tidy(str(error))) from error
        if failed:  # an error is a value to the library, and a truthy one
            raise Rejected(_tidy(words))
        return value


def _tidy(words: str) -> str:
    """The library's message without its status codes, and its two most frequent ones in plainer words."""
    unbound = _UNBOUND.search(words)
    if unbound:
        return f"{unbound[1]} has no value here"
    plain = _CODE.sub("", _CODE.sub("", words.split("\n")[0])).replace(" (in container '')", "")
    overload = _OVERLOAD.match(plain)
    if overload:
        operands = plain[overload.end() :].strip("'").replace("null_type", "null").replace("int64", "int")
        return f"{overload[1]} can't be applied to {operands or 'these types'}"
    return plain
