"""What is secret by its looks: what is assigned to a secret's name, and the shapes that issuers give their tokens."""

import re
from typing import Any

MASK = "[masked]"

_Patterns = tuple[tuple[tuple[str, ...], re.Pattern[str]], ...]

_IN_URL = r"://[^\s/:@\"'<>]{0,128}"
PASSWORD_IN_URL = re.compile(rf"{_IN_URL}:([^\s/\"'<>]{{1,256}})@")

_PASSWORD = r"(?:password|passwd|pwd|passphrase)"  # noqa: S105 - a name, no secret
_NAME = (
    r"(?:password|passwd|pwd|passphrase|secret|token|credentials?|"
    r"(?:api|access|secret|private|signing|encryption|routing|integration)[_-]?key)"
)
_NAME_BEGINS = re.compile(_NAME)  # in small letters: to search without regard to case takes ten times as long
_QUOTED = r"""(")(?:[^"\\\n]|\\.)++|(\\")(?:[^"\\\n]|\\[^"\n])++|(')[^'\n]++"""
_NOTHING = r"(?!(?:true|false|null|none|nil)\b)"
_BARE = rf"{_NOTHING}[^\s\"'&]++"
_END = r"""\\?["']?[ \t]{0,4}"""  # of a name: a quote, blanks
_SCHEME = r"(?:(?:bearer|basic|token|digest|apikey)[ \t]{1,4}|(?=[^\s\"',;]{16}))"
_PEM = r"[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
KEY = 16_384  # characters: a private key in PEM is shorter, whatever its kind
KEY_BEGUN = re.compile(rf"-----BEGIN {_PEM}(?P<body>(?:[^-]|-(?!-{{4}})){{0,{KEY}}}+)(?P<end>-----END {_PEM})?")
KEY_ENDED = re.compile(rf"-----END {_PEM}")
# The lines of a key; the last may be shorter. Of one whose beginning was cut off, so many are looked at.
KEY_LINES = 100
KEY_LINE = re.compile(r"[A-Za-z0-9+/]{40,76}={0,2}\r?\n")
KEY_LAST = re.compile(r"[A-Za-z0-9+/=]{1,76}\r?\n")

# What is written as `name = value`: the name stays. Groups: what stands before the value, then its quote.
_NAMED = (
    re.compile(rf"({_NAME}{_END}=(?!=)>?[ \t]{{0,4}})(?:{_QUOTED}|{_BARE})", re.I),
    re.compile(rf"({_NAME}{_END}:[ \t]{{0,4}})(?:{_QUOTED})", re.I),
    re.compile(rf"({_PASSWORD}{_END}:[ \t]{{1,4}}){_NOTHING}[^\s\"']{{4,}}+(?=[ \t]{{0,4}}$)", re.I | re.M),
    re.compile(rf"({_NAME}{_END}:[ \t]{{0,4}})(?=\S{{16}}|[^\s\d]{{0,15}}\d)[^\s\"']++", re.I),
)

# Each pattern with what its matches hold for certain, in small letters: most texts hold none of it.
_ASSIGNED: _Patterns = (
    (("--",), re.compile(rf"((?<![\w-])--[a-z-]{{0,24}}{_NAME}[ \t]{{1,4}})(?!-)(?:{_QUOTED}|{_BARE})", re.I)),
    (("cookie:",), re.compile(r"(\b(?:set-)?cookie:[ \t]{0,4})[^\s][^\r\n]*+", re.I)),
    (("authorization",), re.compile(rf"(authorization{_END}[:=][ \t]{{0,4}}[\"']?{_SCHEME})[^\s\"',;]++", re.I)),
    (("bearer", "basic"), re.compile(r"(\b(?:bearer|basic)[ \t]{1,4})(?=[^\s\d]{0,99}\d)[\w.~+/=-]{16,}+", re.I)),
    (("://",), re.compile(rf"({_IN_URL}:)[^\s/\"'<>]{{1,256}}(?=@)")),
)

# What is secret by its shape alone, wherever it stands.
_SHAPED: _Patterns = (
    (
        ("private key",),
        re.compile(rf"^(?:{KEY_LINE.pattern}){{1,{KEY_LINES - 1}}}(?:{KEY_LAST.pattern})?-----END {_PEM}", re.M),
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
    # Vault's before 1.10, and OpenBao's: service, batch and recovery tokens, with the namespace's id.
    (("s.", "b.", "r."), re.compile(r"(?<![\w.-])[sbr]\.[A-Za-z0-9]{24}(?:\.[A-Za-z0-9]{4,10})?(?![\w.-])")),
    (("fl_",), re.compile(r"\bfl_[\w-]{43}")),  # our own: firstline.access
)

# What an assignment begins with, or a key. None of it holds a blank, so the text can be cut at a blank before it.
BEGINNING = re.compile(rf"{_NAME}|cookie:|authorization|bearer|basic|-----", re.I)
BEGINNING_LENGTH = 16  # at most

_SECRET_NAME = re.compile(rf"{_NAME}$", re.IGNORECASE)


def without_patterns(text: str) -> str:
    """The text with each private key replaced, and each match of a pattern in what stands between them."""
    parts, done = [], 0
    for found in KEY_BEGUN.finditer(text) if "PRIVATE KEY" in text else ():
        parts.append(_without_matches(text[done : found.start()]))
        done = found.end()
    return MASK.join([*parts, _without_matches(text[done:])])


def _without_matches(text: str) -> str:
    small = _small(text)
    for anchors, pattern in _SHAPED:
        if any(anchor in small for anchor in anchors):
            text = pattern.sub(MASK, text)
    text = _without_named(text)
    for anchors, pattern in _ASSIGNED:
        if any(anchor in small for anchor in anchors):
            text = pattern.sub(_value_masked, text)
    return text


def _without_named(text: str) -> str:
    parts, done = [], 0
    for name in _NAME_BEGINS.finditer(_small(text)):
        if name.start() < done:
            continue
        found = next(filter(None, (each.match(text, name.start()) for each in _NAMED)), None)
        if found:
            parts += [text[done : found.start()], _value_masked(found)]
            done = found.end()
    return "".join([*parts, text[done:]])


def _small(text: str) -> str:
    """In small letters, each where it was."""
    small = text.lower()
    return small if len(small) == len(text) else "".join(min(each.lower(), each, key=len) for each in text)


def is_secret(name: Any, value: Any) -> bool:
    """Whether a text stands under a secret's name."""
    return isinstance(value, str) and bool(value) and _SECRET_NAME.search(str(name)) is not None


def _value_masked(found: re.Match[str]) -> str:
    before, *opened = found.groups()
    return f"{before}{''.join(each or '' for each in opened)}{MASK}"
