"""Masks a text that comes in pieces: what is shown of it is the same, wherever it was cut."""

from firstline.masking.known import replaced
from firstline.masking.masker import Masker
from firstline.masking.pattern import (
    BEGINNING,
    BEGINNING_LENGTH,
    KEY,
    KEY_BEGUN,
    KEY_ENDED,
    KEY_LAST,
    KEY_LINE,
    KEY_LINES,
    MASK,
    without_patterns,
)

LINE = 65_536  # characters: a line that is longer is masked in parts
_ENDS = 100  # characters: more than the line that ends a key has
_DASHES = "-----"
_KEPT = (512, 1024, 2048, 4096, 8192, 16_384, 32_768)  # characters: what has no blank in it is mostly shorter


class StreamMasker:
    """Gives what `Masker` gives for the whole text, as soon as nothing that follows can change it. Holds back at most
    the length of the longest form of a secret, a line, and the lines that may be a private key's.

    A line longer than `LINE` is masked in parts; where no part can be told from the rest, its remainder is not
    shown."""

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._held = ""
        self._done = -1  # a mask that was given reaches so far into what is held
        self._first = True
        self._lines = _Lines()

    def feed(self, text: str) -> str:
        """More of the text. Returns what can be shown now, which may be nothing."""
        return self._lines.feed(self._without_known(text, last=False))

    def close(self) -> str:
        """The text is over. Returns the rest."""
        return self._lines.feed(self._without_known("", last=True), last=True)

    def _without_known(self, text: str, *, last: bool) -> str:
        self._held += text
        spans, settled = self._masker.known.spans(self._held, first=self._first, last=last)
        shown, done = replaced(self._held[:settled], spans, self._done)
        self._held = self._held[settled:]
        self._done = max(done - settled, -1)
        self._first = self._first and settled == 0
        return shown


class _Lines:
    """Masks what patterns find. Their matches stay in a line, but for a private key."""

    def __init__(self) -> None:
        self._held = ""
        self._searched = 0  # characters of what is held, in which nothing begins
        self._key = 0  # characters that a private key which has begun may still have
        self._skips = False  # to the end of the line

    def feed(self, text: str, *, last: bool = False) -> str:
        text, self._held = self._held + text, ""
        parts: list[str] = []
        while text:
            if self._key:
                text = self._after_key(text, last=last)
            elif self._skips:
                text = self._after_line(text)
            else:
                part, text = self._shown(text, last=last)
                parts.append(part)
        return "".join(parts)

    def _hold(self, text: str) -> str:
        self._held = text
        return ""

    def _after_key(self, text: str, *, last: bool) -> str:
        """What follows the key; nothing as long as it goes on."""
        at = text.find(_DASHES)
        if at < 0 or at > self._key:
            over = min(self._key, len(text) if last or at > 0 else len(text.rstrip("-")))
            self._key -= over
            return text[over:] if not self._key else self._hold(text[over:])
        text = text[at:]
        if not last and len(text) < _ENDS and "\n" not in text:
            return self._hold(text)
        self._key = 0
        ended = KEY_ENDED.match(text)
        return text[ended.end() :] if ended else text

    def _after_line(self, text: str) -> str:
        at = text.find("\n")
        self._skips = at < 0
        return text[at:] if at >= 0 else ""

    def _shown(self, text: str, *, last: bool) -> tuple[str, str]:
        """What of the text can be shown, and what is to be looked at once more."""
        ready = len(text) if last else self._ready(text)
        if len(text) - ready > LINE:
            ready = self._part(text)
        text, rest = text[:ready], text[ready:]
        self._key = _goes_on(text)
        if self._skips:
            return without_patterns(text) + MASK, rest
        return without_patterns(text), rest if self._key else self._hold(rest)

    def _ready(self, text: str) -> int:
        """Up to where no pattern can reach any more."""
        line = text.rfind("\n") + 1
        ready = line - _key_lines(text[:line])
        searched, self._searched = self._searched, 0
        if ready < line:
            return ready
        begins = BEGINNING.search(text, max(line, searched - BEGINNING_LENGTH))
        end = begins.start() if begins else len(text)
        ready = max(line, *(text.rfind(blank, line, end) + 1 for blank in " \t\r"))
        self._searched = end - ready
        return ready

    def _part(self, text: str) -> int:
        """Up to where a line that is too long can be masked by itself; what begins later goes on in what is held."""
        self._searched = 0
        whole = without_patterns(text)
        for kept in _KEPT:
            at = len(text) - kept
            if without_patterns(text[:at]) + without_patterns(text[at:]) == whole:
                return at
        self._skips = True
        return len(text)


def _goes_on(text: str) -> int:
    """How much longer the private key can be that the text ends with; 0: it ends with none."""
    if "PRIVATE KEY" not in text:
        return 0
    for found in KEY_BEGUN.finditer(text):
        if found.end() == len(text) and not found["end"]:
            return KEY - len(found["body"])
    return 0


def _key_lines(text: str) -> int:
    """The length of the lines at the text's end that may be the last of a private key."""
    begin = end = len(text)
    for count in range(KEY_LINES):
        start = text.rfind("\n", 0, max(begin - 1, 0)) + 1
        line = text[start:begin]
        if KEY_LINE.fullmatch(line):
            end = start
        elif count or not KEY_LAST.fullmatch(line):
            break
        begin = start
    return len(text) - end
