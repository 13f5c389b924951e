"""A runbook's files as they are sent to a host: one archive, the same for the same files."""

import hashlib
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from firstline.errors import Rejected
from firstline.executor import Step

LARGEST = 64 * 1024 * 1024  # bytes; what is larger belongs on the host, or in a package


class Parcel(NamedTuple):
    """`program` is the one to run, as a path in the archive."""

    digest: str
    content: bytes
    program: str


def parcel_of(step: Step) -> Parcel | None:
    """The runbook's folder, when its program is one of its files: `./NAME`, or the path of one. Without what is hidden
    and what Python caches. Raises `Rejected` when there is no such file or it is too much to send."""
    program = _program(step)
    if program is None:
        return None
    files = list(_files(Path(step.folder)))
    if program not in files:
        raise Rejected(f"there is no file ./{program} in the runbook's folder")
    if sum((Path(step.folder) / file).stat().st_size for file in files) > LARGEST:
        raise Rejected(f"the runbook's files are more than {LARGEST // 1024 // 1024} MiB")
    content = _archive(Path(step.folder), files)
    return Parcel(hashlib.sha256(content).hexdigest(), content, str(program))


def _program(step: Step) -> Path | None:
    program = Path(step.run[0])
    if step.run[0].startswith("./"):
        if not step.folder or ".." in program.parts:
            raise Rejected(f"{step.run[0]} is no file of the runbook's folder")
        return program
    if step.folder and program.is_relative_to(step.folder):
        return program.relative_to(step.folder)
    return None


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        found = path.relative_to(folder)
        seen = any(part.startswith(".") or part == "__pycache__" for part in found.parts)
        if not seen and path.is_file():
            yield found


def _archive(folder: Path, files: list[Path]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for file in files:
            text = (folder / file).read_bytes()
            member = tarfile.TarInfo(str(file))  # without times and owners: the digest is of names, modes and contents
            member.size = len(text)
            member.mode = 0o755 if (folder / file).stat().st_mode & 0o111 else 0o644
            archive.addfile(member, io.BytesIO(text))
    return content.getvalue()
