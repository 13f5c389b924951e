"""Checks that a webhook was signed by our script with one of our secrets. Pure."""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping

from firstline.errors import Unauthorized

SIGNATURE = "x-firstline-signature"
DELIVERY = "x-firstline-delivery"

_KEY = re.compile(r"([0-9a-f]{32}):[0-9]{1,18}")


def sign(secret: str, body: bytes) -> str:
    """The header's value for a body: `sha256=` and the HMAC-SHA256 of the raw bytes in hexadecimal."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def verify(secrets: Iterable[str], headers: Mapping[str, str], body: bytes) -> str:
    """The delivery's key, when one of the secrets signed the body; `Unauthorized` otherwise. Compares in constant
    time, and with every secret."""
    given = headers.get(SIGNATURE, "").strip().encode("utf-8", "replace")
    if not given:
        raise Unauthorized(f"no {SIGNATURE} header: is the webhook sent by our Business Rule and Script Action?")
    matches = [hmac.compare_digest(sign(secret, body).encode(), given) for secret in secrets]
    if not any(matches):
        raise Unauthorized(f"{SIGNATURE} does not fit: the secret in ServiceNow is not one of this connection's")
    return _key(headers.get(DELIVERY, ""), body)


def _key(header: str, body: bytes) -> str:
    """The header is not signed. It is believed only when it names the record in the signed body; else nobody could
    tell it from one that was put there to make us drop another record's delivery as a repeat."""
    found = _KEY.fullmatch(header.strip())
    if found and found[1].encode() in body:
        return found[0]
    return "sha256:" + hashlib.sha256(body).hexdigest()
