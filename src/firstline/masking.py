"""Takes secrets, and what looks like them, out of text before it is kept or shown. Pure, and linear in the text's
length: every pattern here has a fixed beginning, and repeats either without going back or a bounded number of times."""

import base64
import html
import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import quote, quote_plus, unquote

from pydantic import BaseModel

MASK = "[masked]"
SHORTEST = 6  # characters: a shorter secret would mask ordinary words
LINE = 16  # characters: a line of a secret that has several is secret by itself from this length on
CACHED, CACHEABLE = 256, 4096  # texts, characters: an outcome is told on every record of its fault in the same words
FRAGMENT = 10  # characters of a secret at an end of the text: it may have been cut there

ModelT = TypeVar("ModelT", bound=BaseModel)

_Patterns = tuple[tuple[tuple[str, ...], re.Pattern[str]], ...]

_LINE_BREAK = re.compile(r"[\r\n]+")
_INDENT = re.compile(r"[\r\n]+[ \t]*")  # a line break and what indents the next line
_IN_URL = r"://[^\s/:@\"'<>]{0,128}"
_PASSWORD_IN_URL = re.compile(rf"{_IN_URL}:([^\s/\"'<>]{{1,256}})@")

_PASSWORD = r"(?:password|passwd|pwd|passphrase)"  # noqa: S105 - a name, no secret
_NAME = (
    r"(?:password|passwd|pwd|passphrase|secret|token|credentials?|"
    r"(?:api|access|secret|private|signing|encryption|routing|integration)[_-]?key)"
)
_QUOTED = r"""(")(?:[^"\\\n]|\\.)++|(\\")(?:[^"\\\n]|\\[^"\n])++|(')[^'\n]++"""
_NOTHING = r"(?!(?:true|false|null|none|nil)\b)"
_BARE = rf"{_NOTHING}[^\s\"'&]++"
_END = r"""\\?["']?[ \t]{0,4}"""  # of a name: a quote, blanks
_SCHEME = r"(?:(?:bearer|basic|token|digest|apikey)[ \t]{1,4}|(?=[^\s\"',;]{16}))"
_PEM = r"[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"

_NAMES = ("pass", "pwd", "secret", "token", "key", "credential")

# Each pattern with what its matches hold for certain, in small letters: most texts hold none of it.
# What is written as `name = value`: the name stays. Groups: what stands before the value, then its quote.
_ASSIGNED: _Patterns = (
    (_NAMES, re.compile(rf"({_NAME}{_END}=(?!=)>?[ \t]{{0,4}})(?:{_QUOTED}|{_BARE})", re.I)),
    (_NAMES, re.compile(rf"({_NAME}{_END}:[ \t]{{0,4}})(?:{_QUOTED})", re.I)),
    (_NAMES, re.compile(rf"({_PASSWORD}{_END}:[ \t]{{1,4}}){_NOTHING}[^\s\"']{{4,}}+(?=[ \t]{{0,4}}$)", re.I | re.M)),
    (_NAMES, re.compile(rf"({_NAME}{_END}:[ \t]{{0,4}})(?=\S{{16}}|[^\s\d]{{0,15}}\d)[^\s\"']++", re.I)),
    (_NAMES, re.compile(rf"((?<![\w-])--[a-z-]{{0,24}}{_NAME}[ \t]{{1,4}})(?!-)(?:{_QUOTED}|{_BARE})", re.I)),
    (("cookie:",), re.compile(r"(\b(?:set-)?cookie:[ \t]{0,4})[^\s][^\r\n]*+", re.I)),
    (("authorization",), re.compile(rf"(authorization{_END}[:=][ \t]{{0,4}}[\"']?{_SCHEME})[^\s\"',;]++", re.I)),
    (("bearer", "basic"), re.compile(r"(\b(?:bearer|basic)[ \t]{1,4})(?=[^\s\d]{0,99}\d)[\w.~+/=-]{16,}+", re.I)),
    (("://",), re.compile(rf"({_IN_URL}:)[^\s/\"'<>]{{1,256}}(?=@)")),
)

# What is secret by its shape alone, wherever it stands.
_SHAPED: _Patterns = (
    (("private key",), re.compile(rf"-----BEGIN {_PEM}(?:[^-]|-(?!-{{4}}))*+(?:-----END {_PEM})?")),
    # The end of one whose beginning was cut off.
    (
        ("private key",),
        re.compile(
            rf"^(?:[A-Za-z0-9+/]{{40,76}}[\r\n]{{1,2}}){{0,99}}[A-Za-z0-9+/=]{{1,76}}[\r\n]{{1,2}}-----END {_PEM}", re.M
        ),
    ),
    (("eyj",), re.compile(r"(?<![\w-])eyJ[\w-]{6,}+\.[\w-]{6,}+\.[\w-]*+")),  # JSON Web Token
    (("akia", "asia", "abia", "acca"), re.compile(r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b")),  # AWS
    (("gh", "github_pat_"), re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}+|github_pat_\w{22,}+)")),
    (("gl",), re.compile(r"\bgl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|soat)-[\w-]{20,}+")),  # GitLab
    (("xox", "xapp-"), re.compile(r"\b(?:xox[abceoprs](?:\.xox[a-z])?|xapp)-[\w-]{10,}+")),  # Slack
    (("hooks.slack.com",), re.compile(r"\bhooks\.slack\.com/(?:services|workflows|triggers)/[\w/-]{20,}+")),
    (("u+", "e+", "pd"), re.compile(r"(?<![\w+-])(?:[eu]\+[\w-]{18}(?![\w-])|pd[a-z]{2}\+[\w+-]{16,}+)")),  # PagerDuty
    (("att3", "ctt3", "stt3", "atbb"), re.compile(r"\b(?:AT[ACS]TT3[\w=-]{20,}+|ATBB[A-Za-z0-9]{24,}+)")),  # Atlassian
    (("aiza", "ya29.", "gocspx"), re.compile(r"\b(?:AIza[\w-]{35}|ya29\.[\w-]{20,}+|GOCSPX-[\w-]{20,}+)")),  # Google
    (("hv", "sk_live_", "npm_"), re.compile(r"\b(?:hv[sbr]\.[\w-]{20,}+|sk_live_\w{16,}+|npm_[A-Za-z0-9]{36})")),
    (("fl_",), re.compile(r"\bfl_[\w-]{43}")),  # our own: firstline.access
)


class Masker:
    """Masks what looks like a secret, and the secrets it is made with: as they are, in JSON, HTML, URLs and Base64 (at
    any offset), also where line breaks run through them."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        every = {form for secret in secrets for part in _parts(secret) for form in _forms(part)}
        blanks = {form for form in every if re.search(r"[ \t]", form)}
        self._lately = lru_cache(CACHED)(self._masked)
        self._forms = [(gap, _without(gap, forms)) for gap, forms in ((_LINE_BREAK, blanks), (_INDENT, every - blanks))]

    def __call__(self, text: str) -> str:
        """The text with each secret replaced."""
        return self._lately(text) if len(text) <= CACHEABLE else self._masked(text)

    def _masked(self, text: str) -> str:
        text = self._known(text)
        small = text.lower()
        for anchors, pattern in _SHAPED:
            if any(anchor in small for anchor in anchors):
                text = pattern.sub(MASK, text)
        for anchors, pattern in _ASSIGNED:
            if any(anchor in small for anchor in anchors):
                text = pattern.sub(_value_masked, text)
        return text

    def deep(self, value: Any) -> Any:
        """A JSON value with all its texts masked; a text under a secret's name wholly."""
        if isinstance(value, str):
            return self(value)
        if isinstance(value, dict):
            return {key: MASK if _is_secret(key, each) else self.deep(each) for key, each in value.items()}
        return [self.deep(each) for each in value] if isinstance(value, list | tuple) else value

    def model(self, value: ModelT) -> ModelT:
        """A copy of a model with all its texts masked."""
        return type(value).model_validate(self.deep(value.model_dump(mode="json")))

    def _known(self, text: str) -> str:
        return _replaced(text, sorted(span for gap, forms in self._forms if forms for span in _spans(text, gap, forms)))


def _parts(secret: str) -> Iterator[str]:
    """The secret, its longer lines where it has several, and the password in it where it is a URL."""
    secret = secret.strip()
    yield secret
    if "\n" in secret:
        yield from (line for line in map(str.strip, secret.splitlines()) if len(line) >= LINE and "-----" not in line)
    for found in _PASSWORD_IN_URL.finditer(secret):
        yield from (found[1], unquote(found[1]))


def _forms(secret: str) -> Iterator[str]:
    if len(secret) < SHORTEST:
        return
    yield secret
    yield html.escape(secret)
    yield from (json.dumps(secret, ensure_ascii=ascii)[1:-1] for ascii in (True, False))  # noqa: A001
    for encoded in (quote(secret), quote(secret, safe=""), quote_plus(secret)):
        yield encoded
        yield re.sub(r"%..", lambda found: found[0].lower(), encoded)
    for offset in range(3):
        yield from _base64(secret.encode(), offset)


def _base64(secret: bytes, offset: int) -> Iterator[str]:
    """The characters that depend on the secret alone where it begins so many bytes after a group of three."""
    first, last = -(-offset * 8 // 6), (offset + len(secret)) * 8 // 6
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(b"\0" * offset + secret).decode()[first:last]


def _without(gap: re.Pattern[str], forms: set[str]) -> list[str]:
    return sorted(joined for form in forms if len(joined := gap.sub("", form)) >= SHORTEST)


def _spans(text: str, gap: re.Pattern[str], forms: list[str]) -> Iterator[tuple[int, int]]:
    """Where one of the forms stands, whatever gaps run through it."""
    pieces = _pieces(text, gap)
    whole = "".join(text[begin:end] for begin, end, _ in pieces)
    starts = [at for _, _, at in pieces]

    def place(at: int) -> int:
        begin, _, start = pieces[bisect_right(starts, at) - 1]
        return begin + at - start

    for form in forms:
        for begin, end in _found(form, whole):
            yield place(begin), place(end - 1) + 1


def _pieces(text: str, gap: re.Pattern[str]) -> list[tuple[int, int, int]]:
    """The text without its gaps: begin and end of each piece, and where it stands then."""
    pieces, begin, at = [], 0, 0
    for each in gap.finditer(text):
        pieces.append((begin, each.start(), at))
        at += each.start() - begin
        begin = each.end()
    return [*pieces, (begin, len(text), at)]


def _found(form: str, text: str) -> Iterator[tuple[int, int]]:
    """Where it stands; at the text's ends also a part of it, from a cut."""
    at = text.find(form)
    while at >= 0:
        yield at, at + len(form)
        at = text.find(form, at + len(form))
    if len(form) <= FRAGMENT:
        return
    at = text.find(form[:FRAGMENT], max(0, len(text) - len(form) + 1))
    if at >= 0 and form.startswith(text[at:]):
        yield at, len(text)
    at = text.rfind(form[-FRAGMENT:], 0, len(form) - 1)
    if at >= 0 and form.endswith(text[: at + FRAGMENT]):
        yield 0, at + FRAGMENT


def _replaced(text: str, spans: list[tuple[int, int]]) -> str:
    """Each span replaced by one mask; those that overlap or touch together."""
    parts: list[str] = []
    done = -1
    for begin, end in spans:
        if begin > done:
            parts += [text[max(done, 0) : begin], MASK]
        done = max(done, end)
    return "".join([*parts, text[max(done, 0) :]])


def _value_masked(found: re.Match[str]) -> str:
    before, *opened = found.groups()
    return f"{before}{''.join(each or '' for each in opened)}{MASK}"


_SECRET_NAME = re.compile(rf"{_NAME}$", re.IGNORECASE)


def _is_secret(name: Any, value: Any) -> bool:
    return isinstance(value, str) and bool(value) and _SECRET_NAME.search(str(name)) is not None
