"""Seals: what the hub gave out comes back unaltered. The key stays in the state folder, readable for the hub alone."""

import contextlib
import hashlib
import hmac
import os
import secrets
from pathlib import Path

KEY = 32  # bytes


class Seal:
    """HMAC-SHA256 with a key of this hub; a new one where none is given."""

    def __init__(self, key: bytes = b"") -> None:
        self._key = key or secrets.token_bytes(KEY)

    def of(self, purpose: str, *parts: str) -> str:
        """The seal of these texts, in hexadecimal digits. What is sealed for one purpose holds for no other."""
        told = b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in (purpose, *parts))
        return hmac.new(self._key, told, hashlib.sha256).hexdigest()

    def holds(self, seal: str, purpose: str, *parts: str) -> bool:
        return hmac.compare_digest(seal.encode(), self.of(purpose, *parts).encode())


def kept(path: Path) -> Seal:
    """The seal with the key in this file, which is made with the first one: of all processes that ask, one makes it."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY))
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)  # whole or not at all, and the first wins
        draft.unlink()
    return Seal(path.read_bytes())
