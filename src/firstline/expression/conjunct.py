"""Splits a condition into the parts that all must hold."""

from typing import NamedTuple

from firstline.expression.token import CLOSING, OPENING, tokens


class Conjunct(NamedTuple):
    text: str
    offset: int


def conjuncts(text: str) -> tuple[Conjunct, ...]:
    """The operands of `&&` at the top level, in order; the whole text where `||` or `? :` binds less than `&&`. In CEL
    the whole is true exactly when each of them is."""
    cuts, depth = [], 0
    for token in tokens(text):
        depth += (token.text in OPENING) - (token.text in CLOSING)
        if depth == 0 and token.text in {"||", "?"}:
            return (_trimmed(text, 0, len(text)),)
        if depth == 0 and token.text == "&&":
            cuts.append(token)
    starts = [0, *(token.end for token in cuts)]
    ends = [*(token.start for token in cuts), len(text)]
    return tuple(_trimmed(text, start, end) for start, end in zip(starts, ends, strict=True))


def _trimmed(text: str, start: int, end: int) -> Conjunct:
    """Without the space and comments around it."""
    inner = list(tokens(text[start:end]))
    if not inner:
        return Conjunct("", start)
    return Conjunct(text[start + inner[0].start : start + inner[-1].end], start + inner[0].start)
