"""Output of programs as HTML: the colours and weights that it asks of a terminal (ECMA-48 SGR, and xterm's 256 and
24-bit colours, shown as the nearest of the sixteen), and nothing else that a terminal would obey.

Nothing is hidden that would be read: what overwrites a line or does not print is written out, concealed text is shown,
and the address behind a link (OSC 8) is left out, so that a link's text is all there is of it.
"""

import re
from functools import lru_cache
from html import escape

from markupsafe import Markup

from firstline.visible import SEQUENCE, plain

# What has no width; what else does not print, `plain` writes out.
_NO_WIDTH = re.compile("[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200d\u2060-\u2064\u3164\ufeff\uffa0]")
_WEIGHTS = {1: "b", 2: "d", 3: "i", 4: "u", 9: "s"}
_OFF = {22: "bd", 23: "i", 24: "u", 29: "s"}
_FRONT = {30 + number: number for number in range(8)} | {90 + number: 8 + number for number in range(8)}
# The sixteen as xterm has them, to find which is nearest: what they look like here, the style sheet says.
_SIXTEEN = (
    *((0, 0, 0), (205, 0, 0), (0, 205, 0), (205, 205, 0), (0, 0, 238), (205, 0, 205), (0, 205, 205), (229, 229, 229)),
    *((127, 127, 127), (255, 0, 0), (0, 255, 0), (255, 255, 0), (92, 92, 255), (255, 0, 255), (0, 255, 255)),
    (255, 255, 255),
)
_STEPS = (0, 95, 135, 175, 215, 255)  # of the colour cube


class Ansi:
    """One stream's text; what is switched on stays on from one call to the next."""

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        self._weights: set[str] = set()
        self._front: int | None = None
        self._back: int | None = None
        self._inverse = False

    def html(self, text: str) -> Markup:
        parts: list[str] = []
        at = 0
        for found in SEQUENCE.finditer(text):
            parts.append(self._styled(text[at : found.start()]))
            at = found.end()
            if found["numbers"] is not None:
                self._obey(found["numbers"])
        parts.append(self._styled(text[at:]))
        return Markup("".join(parts))  # noqa: S704 - all of it was escaped

    def _styled(self, text: str) -> str:
        if not text:
            return ""
        shown = escape(written(text), quote=False)
        classes = self._classes()
        return f'<span class="{classes}">{shown}</span>' if classes else shown

    def _classes(self) -> str:
        front, back = self._front, self._back
        if front == back:  # it could not be read
            front = back = None
        if self._inverse:
            front, back = back, front
        names = sorted(self._weights)
        names += [f"f{front}"] if front is not None else []
        names += [f"g{back}"] if back is not None else []
        return " ".join([*names, *(["v"] if self._inverse and back is None else [])])

    def _obey(self, numbers: str) -> None:
        codes = [int(each or 0) for each in re.split("[;:]", numbers)]
        while codes:
            code = codes.pop(0)
            if code in (38, 48):
                self._paint(code, _colour(codes))
            else:
                self._switch(code)

    def _switch(self, code: int) -> None:
        if code == 0:
            self._reset()
        elif code in _WEIGHTS:
            self._weights.add(_WEIGHTS[code])
        elif code in _OFF:
            self._weights -= set(_OFF[code])
        elif code in (7, 27):
            self._inverse = code == 7
        elif code in (39, 49):
            self._paint(code - 1, None)
        elif code in _FRONT:
            self._front = _FRONT[code]
        elif code - 10 in _FRONT:
            self._back = _FRONT[code - 10]

    def _paint(self, what: int, colour: int | None) -> None:
        if what == 38:
            self._front = colour
        else:
            self._back = colour


def written(text: str) -> str:
    """What would not be seen, or would turn the order of letters round, written out."""
    return plain(_NO_WIDTH.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


def _colour(codes: list[int]) -> int | None:
    """The colour that comes next, taken off: `5;N` or `2;R;G;B`."""
    kind = codes.pop(0) if codes else 0
    if kind == 5 and codes:
        return _of_256(codes.pop(0))
    if kind == 2 and len(codes) >= 3:
        red, green, blue = (codes.pop(0) for _ in range(3))
        return _nearest(red, green, blue)
    return None


def _of_256(number: int) -> int | None:
    if number < 16:
        return number
    if number < 232:
        number -= 16
        return _nearest(_STEPS[number // 36], _STEPS[number // 6 % 6], _STEPS[number % 6])
    if number < 256:
        grey = 8 + 10 * (number - 232)
        return _nearest(grey, grey, grey)
    return None


@lru_cache(1024)
def _nearest(*wanted: int) -> int:
    def distance(number: int) -> int:
        return sum((one - other) ** 2 for one, other in zip(_SIXTEEN[number], wanted, strict=True))

    return min(range(16), key=distance)
