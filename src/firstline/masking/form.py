"""The forms in which a secret shows: as it is, and as it stands in JSON, HTML, URLs, quotes, Base64 and hexadecimal."""

import base64
import html
import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import quote, quote_plus, unquote

from firstline.masking.pattern import PASSWORD_IN_URL, is_secret

SHORTEST = 6  # characters: a shorter secret would mask ordinary words
KEPT = 2048  # secrets whose forms are made once: each one that is learned puts all that are known together anew
LINE = 16  # characters: a line of a secret that has several is secret by itself from this length on

# What each leaves as it is beside letters, digits and "-._~": Python's own; nothing; JavaScript's encodeURIComponent
# and encodeURI (ECMA-262, 19.2.6); Go's url.PathEscape.
_UNQUOTED = ("/", "", "!'()*", ";,/?:@&=+$#!'()*", "$&+=:@")

# What each writes as \uXXXX in JSON beside what it must: nothing; Go's json.Marshal (HTMLEscape); Gson's htmlSafe;
# .NET's JavaScriptEncoder.Default.
_CODED = [{ord(each): rf"\u{ord(each):04x}" for each in codes} for codes in ("", "&<>", "&<>'=", "&<>'+`\"")]

# The double and the single quote: as they are; Python's html.escape; Go's and Jinja's; PHP's and JavaScript's; XML's.
_QUOTES = (('"', "'"), ("&quot;", "&#x27;"), ("&#34;", "&#39;"), ("&quot;", "&#39;"), ("&quot;", "&apos;"))

_BARE = re.compile(r"[^\w@%+=:./~-]")  # what bash's `printf %q` puts a backslash before


@lru_cache(KEPT)
def forms(secret: str) -> frozenset[str]:
    """Each form of a secret, and of its parts. None of a secret too short to be masked."""
    return frozenset(form for part in _parts(secret) if len(part) >= SHORTEST for form in _forms(part))


def _parts(secret: str) -> Iterator[str]:
    """The secret; its longer lines where it has several; the password in it where it is a URL, and what stands under a
    secret's name in it where it is JSON."""
    secret = secret.strip()
    yield secret
    if "\n" in secret:
        yield from (line for line in map(str.strip, secret.splitlines()) if len(line) >= LINE and "-----" not in line)
    for found in PASSWORD_IN_URL.finditer(secret):
        yield from (found[1], unquote(found[1]))
    if secret.startswith("{"):
        for member in _members(_read(secret)):
            yield from _parts(member)


def _read(secret: str) -> Any:
    try:
        return json.loads(secret)
    except (ValueError, RecursionError):
        return None


def _members(document: Any) -> Iterator[str]:
    """What stands under a secret's name, however deep."""
    if isinstance(document, dict):
        yield from (value for name, value in document.items() if is_secret(name, value))
        document = list(document.values())
    for each in document if isinstance(document, list) else ():
        yield from _members(each)


def _forms(secret: str) -> Iterator[str]:
    yield secret
    yield from _json(secret)
    yield from _html(secret)
    yield from _url(secret)
    yield from _quoted(secret)
    yield from (repr(secret)[1:-1], ascii(secret)[1:-1], repr(secret.encode())[2:-1])
    for offset in range(3):
        yield from _base64(secret.encode(), offset)
    yield from (secret.encode().hex(), secret.encode().hex().upper())


def _json(secret: str) -> Iterator[str]:
    """A text in JSON, and in JSON that stands in JSON as a text."""
    for coded in _CODED:
        for ascii_only in (True, False):
            written = _as_json(secret, coded, ascii_only=ascii_only)
            yield from (written, written.replace("/", r"\/"), _as_json(written, coded, ascii_only=ascii_only))
            yield re.sub(r"\\u(....)", lambda found: rf"\u{found[1].upper()}", written)


def _as_json(text: str, coded: dict[int, str], *, ascii_only: bool) -> str:
    written = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
    return (written.replace(r"\"", '"') if ord('"') in coded else written).translate(coded)


def _html(secret: str) -> Iterator[str]:
    plain = html.escape(secret, quote=False)
    return (plain.replace('"', double).replace("'", single) for double, single in _QUOTES)


def _url(text: str) -> Iterator[str]:
    """A text in a URL, and in a URL that stands in a URL."""
    for encoded in (quote_plus(text), *(quote(text, safe=safe) for safe in _UNQUOTED)):
        for written in (encoded, re.sub(r"%..", lambda found: found[0].lower(), encoded)):
            yield from (written, written.replace("%", "%25"))


def _quoted(secret: str) -> Iterator[str]:
    """In single quotes, as SQL and YAML have it, `set -x` and `shlex.quote`; after backslashes; in bash's $'...'."""
    yield from (secret.replace("'", instead) for instead in ("''", r"'\''", "'\"'\"'"))
    yield _BARE.sub(r"\\\g<0>", secret)
    yield repr(f"{secret}'\"")[1:-4]  # with both quotes in it Python escapes the single one alone, as bash does


def _base64(secret: bytes, offset: int) -> Iterator[str]:
    """The characters that depend on the secret alone where it begins so many bytes after a group of three; also in a
    URL, and with PHP's slashes."""
    first, last = -(-offset * 8 // 6), (offset + len(secret)) * 8 // 6
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        text = encode(b"\0" * offset + secret).decode()[first:last]
        yield from (text, text.replace("/", r"\/"), *_url(text))
