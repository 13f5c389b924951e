"""What the ledger keeps beside the database, in `state/ledger`: its key, and each checkpoint it has signed."""

import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path

from firstline.ledger.checkpoint import Checkpoint, Untrue, Verifier, is_whole, notes, read

TAIL = 4096  # bytes: more than the last note of a file


class Folder:
    """`key`: the private key, PEM. `key.pub`: the keys that have signed, one a line, the last signs now. `checkpoint`:
    the latest. `checkpoints`: all, in their order."""

    def __init__(self, path: Path) -> None:
        self.key = path / "key"
        self.public = path / "key.pub"
        self.latest = path / "checkpoint"
        self.all = path / "checkpoints"
        self.path = path

    def verifiers(self) -> list[Verifier]:
        """Raises `Untrue` for a line that is no key."""
        if not self.public.exists():
            return []
        return [Verifier.parse(line) for line in self.public.read_text(encoding="utf-8").splitlines()]

    def know(self, verifier: Verifier) -> bool:
        """From here on this key signs. True when that is new."""
        known = self.verifiers()
        if known[-1:] == [verifier]:
            return False
        append(self.public, f"{verifier}\n".encode())
        return True

    def last(self) -> Checkpoint | None:
        """The last checkpoint that was kept here, by its own words. Raises `Untrue` for one that is none."""
        whole, _ = self._end()
        return read(whole) if whole else None

    def keep(self, fresh: Iterable[str]) -> None:
        """Add notes, and have the last of them as the latest. One that a crash cut short is completed. Raises OSError,
        and `Untrue` when the file ends with something else."""
        kept = list(fresh)
        _, cut = self._end()
        added = "".join(kept).encode()
        if not added.startswith(cut):
            raise Untrue(f"{self.all} does not end with a checkpoint of this ledger")
        if kept:
            append(self.all, added.removeprefix(cut))
            replace(self.latest, kept[-1])

    def _end(self) -> tuple[str, bytes]:
        """The last whole note of the file, and what comes after it."""
        if not self.all.exists():
            return "", b""
        with self.all.open("rb") as file:
            file.seek(max(0, self.all.stat().st_size - TAIL))
            tail = file.read()
        whole = ["", *filter(is_whole, notes(tail.decode(errors="replace")))][-1]
        return whole, tail.rpartition(whole.encode())[2] if whole else tail

    def notes(self) -> Iterator[tuple[Path, str]]:
        """All notes, each with the file it stands in."""
        for path in (self.all, self.latest):
            yield from stand(path)


def stand(path: Path) -> Iterator[tuple[Path, str]]:
    """The notes that stand in a file; none where there is no file."""
    if path.exists():
        yield from ((path, note) for note in notes(path.read_text(encoding="utf-8", errors="replace")))


def append(path: Path, content: bytes) -> None:
    """Add to a file, durably."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def replace(path: Path, text: str) -> None:
    """Write a file anew, whole or not at all."""
    draft = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    append(draft, text.encode())
    draft.replace(path)
