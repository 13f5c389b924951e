"""The forms in which a secret shows: as it is, in JSON, HTML, URLs and Base64."""

import base64
import html
import json
import re
from collections.abc import Iterator
from urllib.parse import quote, quote_plus, unquote

from firstline.masking.pattern import PASSWORD_IN_URL

SHORTEST = 6  # characters: a shorter secret would mask ordinary words
LINE = 16  # characters: a line of a secret that has several is secret by itself from this length on

# What each leaves as it is beside letters, digits and "-._~": Python's own; nothing; JavaScript's encodeURIComponent
# and encodeURI (ECMA-262, 19.2.6); Go's url.PathEscape.
_UNQUOTED = ("/", "", "!'()*", ";,/?:@&=+$#!'()*", "$&+=:@")


def forms(secret: str) -> set[str]:
    """Each form of a secret, and of its parts. None of a secret too short to be masked."""
    return {form for part in _parts(secret) if len(part) >= SHORTEST for form in _forms(part)}


def _parts(secret: str) -> Iterator[str]:
    """The secret, its longer lines where it has several, and the password in it where it is a URL."""
    secret = secret.strip()
    yield secret
    if "\n" in secret:
        yield from (line for line in map(str.strip, secret.splitlines()) if len(line) >= LINE and "-----" not in line)
    for found in PASSWORD_IN_URL.finditer(secret):
        yield from (found[1], unquote(found[1]))


def _forms(secret: str) -> Iterator[str]:
    yield secret
    yield html.escape(secret)
    yield from (json.dumps(secret, ensure_ascii=ascii)[1:-1] for ascii in (True, False))  # noqa: A001
    for encoded in (quote_plus(secret), *(quote(secret, safe=safe) for safe in _UNQUOTED)):
        yield encoded
        yield re.sub(r"%..", lambda found: found[0].lower(), encoded)
    for offset in range(3):
        yield from _base64(secret.encode(), offset)


def _base64(secret: bytes, offset: int) -> Iterator[str]:
    """The characters that depend on the secret alone where it begins so many bytes after a group of three."""
    first, last = -(-offset * 8 // 6), (offset + len(secret)) * 8 // 6
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(b"\0" * offset + secret).decode()[first:last]
