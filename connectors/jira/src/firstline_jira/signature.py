"""Jira's webhook signature (Atlassian, "Webhooks", section "Securing admin webhooks")."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence

from firstline.errors import Unauthorized

HEADER = "x-hub-signature"
IDENTIFIER = "x-atlassian-webhook-identifier"  # the same on each retry, unique in a site


def sign(secret: bytes, body: bytes) -> str:
    return "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()


def verify(secrets: Sequence[bytes], headers: Mapping[str, str], body: bytes, *, unsigned: bool = False) -> str:
    """Give the delivery key when any of the secrets signed the body; raise `Unauthorized` otherwise.

    `unsigned` lets in what has no signature at all, under a key of its own: it may not take the place of a signed
    delivery by naming that one's identifier."""
    named = headers.get(IDENTIFIER, "").strip() or hashlib.sha256(body).hexdigest()
    if is_hint(headers):
        if unsigned:
            return f"hint:{named}"
        raise Unauthorized("the webhook is not signed: give it a secret in Jira, the same as in webhook_secrets")
    sent = headers.get(HEADER, "").strip().encode(errors="replace")
    matches = [hmac.compare_digest(sent, sign(secret, body).encode()) for secret in secrets]
    if not any(matches):
        raise Unauthorized("the webhook's signature is wrong: is its secret in Jira one of webhook_secrets?")
    return named


def is_hint(headers: Mapping[str, str]) -> bool:
    """Whether it has no signature."""
    return not headers.get(HEADER, "").strip()
