"""Signed webhooks: is a body PagerDuty's? (PagerDuty, "Verifying Signatures")"""

import hmac
from collections.abc import Iterable, Mapping
from hashlib import sha256

from firstline.errors import Unauthorized

HEADER = "x-pagerduty-signature"
DELIVERY_ID = "x-webhook-id"  # the same for each attempt at one delivery ("Behavior", At-Least-Once Delivery)
VERSION = b"v1="


class Verifier:
    """Holds a subscription's secrets; more than one while one replaces another."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._keys = tuple(secret.encode() for secret in secrets)

    def verify(self, headers: Mapping[str, str], body: bytes) -> str:
        """Return the delivery's key. Raises `Unauthorized` unless a signature of the raw body fits a secret."""
        given = [part.strip() for part in headers.get(HEADER, "").encode().split(b",")]
        signatures = [part for part in given if part.startswith(VERSION)]
        if not signatures:
            raise Unauthorized("the webhook carries no v1 signature in X-PagerDuty-Signature")
        if not any(hmac.compare_digest(sign(key, body), one) for key in self._keys for one in signatures):
            raise Unauthorized("no signature in X-PagerDuty-Signature fits the body and the connection's secrets")
        return headers.get(DELIVERY_ID) or sha256(body).hexdigest()


def sign(key: bytes, body: bytes) -> bytes:
    """One value of the signature header: `v1=` and the hexadecimal HMAC-SHA256 of the body."""
    return VERSION + hmac.digest(key, body, "sha256").hex().encode()
