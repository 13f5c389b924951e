"""A pack's manifest, signed with the log's key: so nothing can be left out of a pack unseen."""

from base64 import b64decode, b64encode
from collections.abc import Iterable

from firstline.evidence.pack import signed_text
from firstline.ledger.checkpoint import Signer, Untrue, Verifier


def sign(signer: Signer, manifest: bytes) -> str:
    """A C2SP signed note of the manifest's digest."""
    text = signed_text(manifest)
    signature = b64encode(signer.verifier.id + signer.key.sign(text.encode())).decode()
    return f"{text}\n— {signer.name} {signature}\n"


def check(note: str, manifest: bytes, verifiers: Iterable[Verifier]) -> None:
    """Raises `Untrue` unless one of the keys has signed this very manifest."""
    text, _, signatures = note.partition("\n\n")
    if f"{text}\n" != signed_text(manifest):
        raise Untrue("it signs another manifest")
    known = {(each.name, each.id): each for each in verifiers}
    for line in signatures.splitlines():
        _, name, encoded = [*line.split(" ", 2), "", ""][:3]
        try:
            signature = b64decode(encoded, validate=True)
        except ValueError:
            continue
        verifier = known.get((name, signature[:4]))
        if verifier and verifier.verify(f"{text}\n".encode(), signature[4:]):
            return
    raise Untrue("it is not signed by a key that is known")
