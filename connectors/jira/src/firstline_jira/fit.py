"""Text that fits Jira's limits. Pure."""

import re
from collections.abc import Callable

from firstline.connector import Note

LIMIT = 32_767  # characters of a comment or description after conversion ("jira.text.field.character.limit")
HEADLINE = 500
FACTS, LABEL, VALUE = 30, 60, 240  # together well below the limit, so that headline and facts are never at stake

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def clean(text: str) -> str:
    """Without what Jira's XML can't hold: control characters and halves of surrogate pairs."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n").replace("\r", "\n"))


def cut(text: str, keep: int) -> str:
    """The text with its middle left out, so that about `keep` characters stay; empty when nothing would stay."""
    if len(text) <= keep:
        return text
    if keep <= 0:
        return ""
    head, tail = keep // 2, keep - keep // 2
    return f"{text[:head]}\n… {len(text) - keep} characters left out …\n{text[-tail:]}"


def units(text: str) -> int:
    """Characters as Java counts them."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def fitted(note: Note, size: Callable[[Note], int], limit: int) -> Note:
    """The note with its output, then its body, cut until its size is within the limit."""
    for part in ("output", "body"):
        if size(note) > limit:
            note = _fit(note, part, size, limit)
    return note


def _fit(note: Note, part: str, size: Callable[[Note], int], limit: int) -> Note:
    """The note with as much of the part as the limit leaves room for. By halving, since how long a character becomes
    depends on the character."""
    text: str = getattr(note, part)
    low, high = 0, min(len(text), limit)
    while low < high:
        middle = (low + high + 1) // 2
        fits = size(note.model_copy(update={part: cut(text, middle)})) <= limit
        low, high = (middle, high) if fits else (low, middle - 1)
    return note.model_copy(update={part: cut(text, low)})
