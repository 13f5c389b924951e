"""The key that signs checkpoints: the operator's, or one that is made at the first start."""

import contextlib
import os
import secrets
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from firstline.errors import Misdeclared
from firstline.ledger.checkpoint import Signer
from firstline.ledger.folder import Folder
from firstline.settings import FILE, Settings


def folder(settings: Settings) -> Folder:
    return Folder(settings.state / "ledger")


def signer(settings: Settings) -> Signer:
    """Who signs this hub's checkpoints; its key is made where there is none. Raises `Misdeclared`."""
    found = folder(settings)
    if settings.ledger.key:
        pem = settings.resolve(settings.ledger.key, "ledger.key")
        return Signer(origin(settings), _key(pem.encode(), "ledger.key"))
    if not found.key.exists():
        _make(found.key)
    return Signer(origin(settings), _key(found.key.read_bytes(), str(found.key)))


def origin(settings: Settings) -> str:
    """The log's name: as set, else as it was, else from the hub's address. A log that is renamed is another log."""
    if settings.ledger.origin:
        return settings.ledger.origin
    known = folder(settings).verifiers()
    return known[-1].name if known else f"{urlsplit(settings.url).netloc}/ledger"


def _key(pem: bytes, where: str) -> Ed25519PrivateKey:
    """Never shows what it read."""
    try:
        found = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):
        raise Misdeclared(f"{where} is no private key in PEM without a password", place=FILE) from None
    if not isinstance(found, Ed25519PrivateKey):
        raise Misdeclared(f"{where} is no Ed25519 key; `openssl genpkey -algorithm ed25519` makes one", place=FILE)
    return found


def _make(path: Path) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123 - its mode
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    with contextlib.suppress(FileExistsError):
        path.hardlink_to(draft)  # whole or not at all, and the first of two hubs wins
    draft.unlink()
