"""A secret in its envelope: sealed with a key of its own, and that one wrapped with the store's. Pure.

AES-256-GCM (NIST SP 800-38D) with a random nonce of 96 bits each time. What is sealed is bound to the secret's name and
version: a value that is put in another's place, or under another version, does not open."""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import BaseModel, ConfigDict

from firstline.errors import Rejected

LENGTH = 32  # bytes of a key
NONCE = 12


@dataclass(frozen=True, repr=False)
class Key:
    """`id` tells keys apart and tells nothing of them."""

    raw: bytes

    @property
    def id(self) -> str:
        return hmac.new(self.raw, b"firstline store key id", hashlib.sha256).hexdigest()[:16]


class Envelope(BaseModel):
    """`key` is the id of the key that wraps; `wrapped` and `sealed` are nonce and ciphertext in Base64."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int
    at: str
    key: str
    wrapped: str
    sealed: str


def new_key() -> str:
    """32 random bytes in Base64."""
    return base64.b64encode(secrets.token_bytes(LENGTH)).decode()


def key(text: str) -> Key:
    """Raises `Rejected` for what is no key; never shows it."""
    try:
        raw = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != LENGTH:
        raise Rejected(f"is no key: {LENGTH} bytes in Base64; `firstline secret key` makes one")
    return Key(raw)


def seal(with_: Key, name: str, version: int, at: str, value: str) -> Envelope:
    own = secrets.token_bytes(LENGTH)
    return Envelope(
        version=version,
        at=at,
        key=with_.id,
        wrapped=_encrypt(with_.raw, own, "key", name, version),
        sealed=_encrypt(own, value.encode(), "value", name, version),
    )


def unseal(with_: Key, name: str, found: Envelope) -> str:
    """Raises `Rejected` when it was changed, or is another's."""
    own = _decrypt(with_.raw, found.wrapped, "key", name, found.version)
    return _decrypt(own, found.sealed, "value", name, found.version).decode()


def rewrap(old: Key, new: Key, name: str, found: Envelope) -> Envelope:
    """The same secret, wrapped with another key. Raises `Rejected` as `unseal`."""
    own = _decrypt(old.raw, found.wrapped, "key", name, found.version)
    wrapped = _encrypt(new.raw, own, "key", name, found.version)
    return found.model_copy(update={"key": new.id, "wrapped": wrapped})


def _bound(what: str, name: str, version: int) -> bytes:
    return json.dumps(["firstline secret", what, name, version]).encode()


def _encrypt(with_: bytes, plain: bytes, what: str, name: str, version: int) -> str:
    nonce = secrets.token_bytes(NONCE)
    return base64.b64encode(nonce + AESGCM(with_).encrypt(nonce, plain, _bound(what, name, version))).decode()


def _decrypt(with_: bytes, text: str, what: str, name: str, version: int) -> bytes:
    try:
        whole = base64.b64decode(text, validate=True)
        return AESGCM(with_).decrypt(whole[:NONCE], whole[NONCE:], _bound(what, name, version))
    except (InvalidTag, ValueError, binascii.Error):
        raise Rejected(f"it does not open: the {what} of its version {version} was changed, or is another's") from None
