"""Splits CEL text into tokens: as much of the grammar as finding the end of an expression and its top-level conjuncts
takes (CEL language definition, "Syntax")."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from firstline.expression.expression import ExpressionFault

_PATTERN = re.compile(
    r"""(?P<space>\s+|//[^\n]*)
    |(?P<text>
        (?:[rR][bB]?|[bB][rR])(?:\"{3}.*?\"{3}|'{3}.*?'{3}|"[^"\n]*"|'[^'\n]*')
        |[bB]?(?:\"{3}(?:\\.|.)*?\"{3}|'{3}(?:\\.|.)*?'{3}|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
        |`[^`\n]*`)
    |(?P<number>0x[0-9a-fA-F]+[uU]?|\d+(?:\.\d+)?(?:[eE][-+]?\d+)?[uU]?)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<operator>&&|\|\||==|!=|<=|>=|.)""",
    re.VERBOSE | re.DOTALL,
)

OPENING = frozenset("([{")
CLOSING = frozenset(")]}")


class Token(NamedTuple):
    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)


def tokens(text: str, start: int = 0) -> Iterator[Token]:
    """The tokens from `start` on, without space and comments. Raises `ExpressionFault` at a text without an end."""
    for match in _PATTERN.finditer(text, start):
        kind = str(match.lastgroup)
        if kind == "operator" and match[0] in "'\"`":
            raise ExpressionFault(f"a text that begins with {match[0]} has no end", match.start())
        if kind != "space":
            yield Token(kind, match[0], match.start())
