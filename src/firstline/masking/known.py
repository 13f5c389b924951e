"""Finds the secrets that are known, whatever line breaks run through them."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from firstline.masking.form import SHORTEST, forms
from firstline.masking.pattern import MASK

FRAGMENT = 10  # characters of a secret at an end of the text: it may have been cut there
GAP = 256  # characters of line breaks and blanks: what stands beyond more of them does not belong together

# Of forms that hold blanks, the line breaks alone are a gap; of others also what indents the next line.
_LINE_BREAK = re.compile(r"[\r\n]++")
_INDENT = re.compile(r"[\r\n][\r\n \t]*+")

Span = tuple[int, int]


class Known:
    """The forms of some secrets. Never changed."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        every = {form for secret in secrets for form in forms(secret)}
        blanks = {form for form in every if re.search(r"[ \t]", form)}
        kinds = ((_LINE_BREAK, blanks), (_INDENT, every - blanks))
        self._kinds = [(gap, found) for gap, those in kinds if (found := _without(gap, those))]

    def spans(self, text: str, *, first: bool = True, last: bool = True) -> tuple[list[Span], int]:
        """Where the forms stand, in order; and up to where that is settled, whatever follows the text. `first`, `last`:
        the text is not what follows, or is followed by, other text; at such an end a part of a form is one too."""
        found: list[Span] = []
        settled = len(text)
        for gap, those in self._kinds:
            joined = Joined(text, gap)
            found += (joined.span(*each) for form in those for each in _found(form, joined.text, first, last))
            settled = min(settled, joined.place(min(_settled(form, joined.text, first) for form in those)))
        return sorted(found), len(text) if last else settled


@dataclass(frozen=True)
class Joined:
    """A text without its gaps, and where each character of it stands in the whole."""

    whole: str
    gap: re.Pattern[str]

    @cached_property
    def _pieces(self) -> list[tuple[int, int, int]]:
        """Begin and end of each piece, and where it stands without the gaps."""
        pieces, begin, at = [], 0, 0
        for each in self.gap.finditer(self.whole):
            if each.end() - each.start() <= GAP:
                pieces.append((begin, each.start(), at))
                at += each.start() - begin
                begin = each.end()
        return [*pieces, (begin, len(self.whole), at)]

    @cached_property
    def _starts(self) -> list[int]:
        return [at for _, _, at in self._pieces]

    @cached_property
    def text(self) -> str:
        return "".join(self.whole[begin:end] for begin, end, _ in self._pieces)

    def place(self, at: int) -> int:
        """Where a character stands in the whole; 0 for one before the first."""
        if at < 0:
            return 0
        begin, _, start = self._pieces[bisect_right(self._starts, at) - 1]
        return begin + at - start

    def span(self, begin: int, end: int) -> Span:
        return self.place(begin), self.place(end - 1) + 1


def replaced(text: str, spans: Iterable[Span], done: int = -1) -> tuple[str, int]:
    """Each span replaced by one mask; those that overlap or touch together. `done`: a mask that was told before reaches
    so far into this text; -1: none. Also returned: how far the last one reaches."""
    parts: list[str] = []
    for begin, end in spans:
        if begin >= len(text):
            break
        if begin > done:
            parts += [text[max(done, 0) : begin], MASK]
        done = max(done, end)
    return "".join([*parts, text[max(done, 0) :]]), done


def _without(gap: re.Pattern[str], those: set[str]) -> list[str]:
    return sorted(joined for form in those if len(joined := gap.sub("", form)) >= SHORTEST)


def _found(form: str, text: str, first: bool, last: bool) -> Iterator[Span]:
    """Where it stands, also over itself: what is covered must not depend on where the looking begins."""
    at = text.find(form)
    while at >= 0:
        yield at, at + len(form)
        at = text.find(form, at + 1)
    if len(form) > FRAGMENT:
        yield from _begun(form, text) if last else ()
        yield from _ended(form, text) if first else ()


def _settled(form: str, text: str, first: bool) -> int:
    """Up to where no such form can stand, whatever follows; -1: all of the text may be part of its end."""
    if first and len(form) > FRAGMENT and len(text) < len(form) and text in form:
        return -1
    at = text.find(form[0], max(0, len(text) - len(form) + 1))
    while at >= 0 and not form.startswith(text[at:]):
        at = text.find(form[0], at + 1)
    return at if at >= 0 else len(text)


def _begun(form: str, text: str) -> Iterator[Span]:
    """The longest beginning of it that the text ends with."""
    at = text.find(form[:FRAGMENT], max(0, len(text) - len(form) + 1))
    while at >= 0 and not form.startswith(text[at:]):
        at = text.find(form[:FRAGMENT], at + 1)
    if at >= 0:
        yield at, len(text)


def _ended(form: str, text: str) -> Iterator[Span]:
    """The longest end of it that the text begins with."""
    at = text.rfind(form[-FRAGMENT:], 0, len(form) - 1)
    while at >= 0 and not form.endswith(text[: at + FRAGMENT]):
        at = text.rfind(form[-FRAGMENT:], 0, at + FRAGMENT - 1)
    if at >= 0:
        yield 0, at + FRAGMENT
