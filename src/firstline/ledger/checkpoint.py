"""Checkpoints: size and root of a tree, as C2SP's tlog-checkpoint has them, signed as its signed-note. Pure."""

import binascii
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from firstline.ledger.tree import SIZE

_ED25519 = b"\x01"  # the note's byte for this kind of signature
_NAME = re.compile(r"[^\s+]+")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_SIGNATURE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})")
_NOTE = re.compile(r"(?:[^\n]+\n)+\n(?:— [^\n]+\n)+")
_MOST = 100  # signatures of a note that are looked at


class Untrue(ValueError):
    """A note that is no checkpoint, or that no known key has signed. The message says which."""


@dataclass(frozen=True)
class Checkpoint:
    origin: str  # the log's name
    size: int  # entries
    root: bytes

    def __str__(self) -> str:
        return f"{self.origin}\n{self.size}\n{_base64(self.root)}\n"


@dataclass(frozen=True)
class Verifier:
    """The public half of a key, with the name it signs under. As text it is `name+id+base64`, the form of C2SP's
    tools."""

    name: str
    key: bytes

    @classmethod
    def parse(cls, text: str) -> "Verifier":
        """Raises `Untrue`."""
        name, _, rest = text.strip().partition("+")
        id_, _, encoded = rest.partition("+")
        kind_and_key = _bytes(encoded)
        if not _NAME.fullmatch(name) or kind_and_key[:1] != _ED25519 or len(kind_and_key) != 1 + SIZE:
            raise Untrue(f"{text.strip()!r} is no Ed25519 key of the form name+id+base64")
        found = cls(name, kind_and_key[1:])
        if found.id.hex() != id_:
            raise Untrue(f"the id of the key {text.strip()!r} is {found.id.hex()}: it was not copied whole")
        return found

    @property
    def id(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.key).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{_base64(_ED25519 + self.key)}"

    def verify(self, text: bytes, signature: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.key).verify(signature, text)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True)
class Signer:
    """A private key, with the log's name: that is the origin of its checkpoints and the name it signs under."""

    name: str
    key: Ed25519PrivateKey

    @property
    def verifier(self) -> Verifier:
        return Verifier(self.name, self.key.public_key().public_bytes_raw())

    def sign(self, size: int, root: bytes) -> str:
        """The signed note of the tree's checkpoint."""
        text = str(Checkpoint(self.name, size, root))
        signature = self.verifier.id + self.key.sign(text.encode())
        return f"{text}\n— {self.name} {_base64(signature)}\n"


def opened(note: str, verifiers: Iterable[Verifier]) -> Checkpoint:
    """The checkpoint in a note, once one of the keys is found to have signed it and none of them falsely. Signatures
    of other keys, as of witnesses, are not looked at. Raises `Untrue`."""
    text, blank, signatures = note.rpartition("\n\n")
    if not blank:
        raise Untrue("it is no signed note")
    known = {(each.name, each.id): each for each in verifiers}
    signed = False
    for line in signatures.splitlines()[:_MOST]:
        found = _SIGNATURE.fullmatch(line)
        signature = _bytes(found[2]) if found else b""
        verifier = known.get((found[1], signature[:4])) if found else None
        if verifier and not verifier.verify(f"{text}\n".encode(), signature[4:]):
            raise Untrue("its signature is false")
        signed = signed or verifier is not None
    if not signed:
        raise Untrue("it is not signed by a key that is known")
    return read(note)


def read(note: str) -> Checkpoint:
    """The checkpoint that a note claims, whoever has signed it. Raises `Untrue`."""
    lines = note.split("\n")[:4]
    if len(lines) < 4 or not lines[0] or not _SIZE.fullmatch(lines[1]):
        raise Untrue("it is no checkpoint")
    root = _bytes(lines[2])
    if len(root) != SIZE:
        raise Untrue("its root is no SHA-256")
    return Checkpoint(lines[0], int(lines[1]), root)


def is_whole(note: str) -> bool:
    """False for the beginning of a note, or anything else."""
    return _NOTE.fullmatch(note) is not None


def notes(text: str) -> Iterator[str]:
    """The notes that a file holds, one after another. What is none is given too, as it stands there."""
    at = 0
    for found in _NOTE.finditer(text):
        if text[at : found.start()].strip():
            yield text[at : found.start()]
        yield found[0]
        at = found.end()
    if text[at:].strip():
        yield text[at:]


def _base64(value: bytes) -> str:
    return b64encode(value).decode()


def _bytes(text: str) -> bytes:
    """Empty for what is no Base64."""
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
