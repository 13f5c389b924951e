"""A runbook's files on the host: sent once, by the digest of their archive, and unpacked afresh for each run."""

from __future__ import annotations

import base64
import hashlib
import os
import tarfile
from pathlib import Path

from firstline.executors.ssh.agent.place import Place
from firstline.executors.ssh.agent.refusal import Missing, Rejected

PIECE = 65_536


def put(place: Place, digest: str, upload: str, content: str, last: bool) -> None:
    """Take the next piece of an archive, in Base64. `upload` names who sends it: several may at a time."""
    place.make()
    draft = place.files / f"{digest}.{upload}.part"
    with draft.open("ab") as file:
        file.write(base64.b64decode(content))
    if not last:
        return
    found = _digest(draft)
    if found != digest:
        draft.unlink()
        raise Rejected(f"the runbook's files arrived damaged: {found}, not {digest}")
    draft.rename(_kept(place, digest))


def unpack(place: Place, digest: str, to: Path) -> None:
    """What is unpacked is what was let go, whoever touched the archive since. Raises `Missing` where it is not here."""
    kept = _kept(place, digest)
    try:
        os.utime(str(kept))
        intact = _digest(kept) == digest
    except FileNotFoundError:
        intact = False
    if not intact:
        raise Missing(digest)
    with tarfile.open(str(kept)) as archive:
        for member in archive:
            _place(archive, member, to)


def _place(archive: tarfile.TarFile, member: tarfile.TarInfo, to: Path) -> None:
    """One file; never outside of the folder, though the hub makes no such archive."""
    path = to / member.name
    if ".." in path.parts or os.path.isabs(member.name) or not member.isfile():  # noqa: PTH117
        raise Rejected(f"the runbook's files hold what can't be unpacked: {member.name}")
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    content = archive.extractfile(member)
    assert content is not None  # noqa: S101 - isfile()
    with content, path.open("wb") as file:
        file.write(content.read())
    path.chmod(0o755 if member.mode & 0o111 else 0o644)


def _kept(place: Place, digest: str) -> Path:
    return place.files / f"{digest}.tar"


def _digest(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        for piece in iter(lambda: file.read(PIECE), b""):
            found.update(piece)
    return found.hexdigest()
