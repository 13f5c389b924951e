"""The full log of a run: all that it printed, with secrets masked, in a file that people can read and search.

A line is `TIME STREAM TAG TEXT`, the form in which container runtimes keep logs for Kubernetes, which log collectors
read (its proposal "CRI: Log management for container stdout/stderr streams", kubelet-cri-logging.md): TIME is when the
hub saw it (RFC 3339, UTC, six digits of a second), STREAM `stdout` or `stderr`, TAG `F`, or `P` where the line goes on
in the next one of its stream, or ends without a line break. What is left out, a line of the stream `firstline` tells.

While a run goes on the file, `RUN.log`, only grows; later it is packed into `RUN.log.gz`. Offsets count bytes of its
text; they are the same in both.
"""

import gzip
import os
import secrets
import shutil
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple, cast

from firstline.declaration import Json
from firstline.errors import Unavailable
from firstline.masking import MASK
from firstline.store.clock import now

Stream = Literal["stdout", "stderr", "firstline"]
HUB: Stream = "firstline"
TAIL = 1_048_576  # bytes of the end that stay, at most, where a log is over its limit
PAGE = 262_144  # bytes that one look gives, about
_MASK = MASK.encode()
_TIME = len("2026-11-23T10:00:00.000000Z ")


class Line(NamedTuple):
    """`at` as it is written. `whole`: a line break ends it. `offset`: where it begins in the log."""

    at: str
    stream: Stream
    text: str
    whole: bool
    offset: int

    @property
    def left_out(self) -> int:
        """Bytes that are missing here."""
        return int(self.text.split(" ", 1)[0]) if self.stream == HUB else 0


@dataclass(frozen=True)
class Kept:
    """What a finished log is known by later: bytes of its text, and their SHA-256; empty where there is none."""

    size: int = 0
    digest: str = ""

    @property
    def facts(self) -> dict[str, Json]:
        """For the ledger."""
        return {"log": {"bytes": self.size, "sha256": self.digest}} if self.size else {}


NOTHING = Kept()


@dataclass(frozen=True)
class Logs:
    """The folder of all logs; `limit` in bytes, for each."""

    folder: Path
    limit: int = 128 * 1_048_576

    def path(self, remediation_id: str, run_id: str) -> Path:
        return self.folder / remediation_id / f"{run_id}.log"


class LogWriter:
    """Writes one run's log. Where there is one already, because a hub died over it, the run is read again from its
    beginning: lines that say the same keep their times; from the first that differs the file is replaced; else it goes
    on where it ended. Readers see whole lines that don't change; a process that was taken for dead and writes on has a
    file without a name."""

    def __init__(self, path: Path, limit: int) -> None:
        self._path = path
        self._draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        self._tail_limit = min(TAIL, limit // 2)
        self._head_limit = limit - self._tail_limit
        self._known = _known(path)
        self._file: BinaryIO | None = None
        self._size, self._digest = 0, sha256()
        self._tail: deque[bytes] = deque()
        self._tail_size = self._left_out = 0
        self._at = ""
        self.failure = ""  # why the log is not whole: a disk that is full holds up nothing but the log

    def write(self, stream: Stream, text: str, *, whole: bool) -> str:
        """Add a line; `text` has no line break. Gives the text that is kept. Seen by others after `flush`."""
        rest = f"{stream} {'F' if whole else 'P'} {text}\n".encode("utf-8", "replace")
        known = self._known_line(rest)
        self._add(known or self._now().encode() + rest)
        return _line(known, 0).text if known else text

    def flush(self) -> None:
        self._at = ""
        if self._file and not self._known:
            self._try(self._file.flush)

    def rest(self) -> Iterator[Line]:
        """What was known and is not told again: the executor has lost it. It stays. Called before `close`."""
        if self._known:
            for line in self._known:
                if line.endswith(b"\n"):
                    self._add(line)
                    yield _line(line, 0)

    def close(self) -> Kept:
        """Have it on the disk. Raises `Unavailable` when somebody else writes it now."""
        self._close_tail()
        self._try(self._finish)
        self.drop()
        return Kept(self._size, self._digest.hexdigest()) if self._size and not self.failure else NOTHING

    def drop(self) -> None:
        """Let go without an end: what is written stays for whoever follows the run next."""
        if self._known:
            self._known.close()
            self._draft.unlink(missing_ok=True)
        if self._file:
            with suppress(OSError):  # what it could not write is told by `failure`, or written anew
                self._file.close()

    def _try(self, act: Callable[..., None], *arguments: bytes) -> None:
        if not self.failure:
            try:
                act(*arguments)
            except OSError as error:
                self.failure = error.strerror or str(error)

    def _finish(self) -> None:
        if self._file is None:
            return
        self._publish()
        self._file.flush()
        os.fsync(self._file.fileno())
        if not self._path.exists() or self._path.stat().st_ino != os.fstat(self._file.fileno()).st_ino:
            raise Unavailable("another process follows this run by now")

    def _known_line(self, rest: bytes) -> bytes:
        """The line as it was written before; empty where it was not."""
        if not self._known:
            return b""
        line = self._known.readline()
        # What was masked stays so: the secret may have been known then, and to nobody now.
        if line[_TIME:] == rest or (_MASK in line and line.endswith(b"\n")):
            return line
        self._try(self._publish)
        return b""

    def _publish(self) -> None:
        """Have what is written so far take the place of what was known."""
        if self._known:
            self._known.close()
            self._known = None
            if self._file:
                self._file.flush()
                self._draft.replace(self._path)
            else:  # the very first line differs
                self._path.unlink(missing_ok=True)

    def _add(self, line: bytes) -> None:
        if not self._tail and self._size + len(line) <= self._head_limit:
            self._try(self._append, line)
            return
        self._tail.append(line)
        self._tail_size += len(line)
        while self._tail_size > self._tail_limit:
            gone = len(self._tail.popleft())
            self._tail_size -= gone
            self._left_out += gone

    def _close_tail(self) -> None:
        if self._left_out:
            told = f"{HUB} F {self._left_out} bytes left out\n".encode()
            self._try(self._append, self._now().encode() + told)
        while self._tail:
            self._try(self._append, self._tail.popleft())

    def _append(self, line: bytes) -> None:
        if self._file is None:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = _new(self._draft)
            if not self._known:
                self._draft.replace(self._path)
        self._file.write(line)
        self._digest.update(line)
        self._size += len(line)

    def _now(self) -> str:
        """The same for all that is written between two flushes."""
        self._at = self._at or f"{now():%Y-%m-%dT%H:%M:%S.%f}Z "
        return self._at


def read(path: Path, offset: int = 0, limit: int = PAGE) -> tuple[list[Line], int]:
    """The lines from an offset on, about `limit` bytes of them, and where to go on. An offset inside of a line counts
    as the beginning of the next. Nothing where there is no log."""
    with suppress(FileNotFoundError), open_log(path) as file:
        file.seek(max(offset - 1, 0))
        if offset:
            offset += max(len(file.readline()) - 1, 0)
        lines = []
        end = offset + limit
        while offset < end and (line := file.readline()).endswith(b"\n"):
            lines.append(_line(line, offset))
            offset += len(line)
        return lines, offset
    return [], offset


def open_log(path: Path) -> BinaryIO:
    """Its text, packed or not. Raises `FileNotFoundError`."""
    try:
        return path.open("rb")
    except FileNotFoundError:
        return cast(BinaryIO, gzip.open(packed(path), "rb"))


def digest_of(path: Path) -> str:
    """The SHA-256 of its text as it is now; empty where it is no log any more. Raises `FileNotFoundError`."""
    found = sha256()
    with open_log(path) as file:
        try:
            while piece := file.read(TAIL):
                found.update(piece)
            return found.hexdigest()
        except (gzip.BadGzipFile, EOFError, zlib.error):
            return ""


def is_kept(path: Path) -> bool:
    return path.exists() or packed(path).exists()


def packed(path: Path) -> Path:
    return path.with_name(f"{path.name}.gz")


def pack(path: Path) -> None:
    """Make a log that grows no more small. Whoever reads it meanwhile reads on."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}.gz")
    # No name and no time in it: the same log is the same file.
    with path.open("rb") as text, _new(draft) as file:
        with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as small:
            shutil.copyfileobj(text, small, 1_048_576)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(packed(path))
    path.unlink(missing_ok=True)


def _known(path: Path) -> BinaryIO | None:
    try:
        return open_log(path)
    except OSError:
        return None


def _line(line: bytes, offset: int) -> Line:
    at, stream, tag, text = line[:-1].decode("utf-8", "replace").split(" ", 3)
    return Line(at, cast(Stream, stream), text, tag == "F", offset)


def _new(path: Path) -> BinaryIO:
    """For the hub's own account alone."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")
