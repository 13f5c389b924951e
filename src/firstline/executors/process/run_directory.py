"""The directory of one run: all that is known of it, for whoever comes later.

`lock`        held (flock) by whoever is beginning the run, then by its supervisor until the end is recorded. The
              kernel lets go of it with the last process that holds it: no time-stamp, no process id proves life here.
              As long as it is held the run goes on, whatever else stands here: a command may be able to write to it.
`begun.json`  durable before the command gets to run. Absent, with the lock free: it never ran.
`process.json`  the command's process, for who must find it when the supervisor has died.
`ended.json`  how it ended. Absent, with `begun.json` there and the lock free: the supervisor died before the end, and
              nobody saw it.
`control`     a FIFO the supervisor reads: a byte in it cancels the run.
`output.N`    the output, in segments (`output`).
`work`        the working directory, unless the step names one.
`outputs/values`  what the run gives to be worked with: $FIRSTLINE_OUTPUT names it. Each process of a run is known by
              that variable, as long as it keeps it.
`tmp`         what a sandbox has in place of the machine's.
`stripped`    there when output and directories of an ended run were removed. The records stay: it never begins again.
`crash.txt`   the trace of a supervisor that failed.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import stat
from enum import Enum, auto
from pathlib import Path
from typing import Any

OUTPUT = "FIRSTLINE_OUTPUT"
RESERVED = 4096  # bytes for each record that is made after the beginning


# Neither a link nor a FIFO that a command put in a record's place is followed or waited for.
_DRAFT = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Standing(Enum):
    """Where a run stands, as far as its directory tells."""

    ABSENT = auto()  # there is no such directory
    NEW = auto()  # never begun, and nobody is beginning it
    HELD = auto()  # being begun, or running
    LOST = auto()  # begun, and nobody saw its end
    ENDED = auto()


class RunDirectory:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.control = path / "control"
        self.work = path / "work"
        self.outputs = path / "outputs" / "values"
        self.tmp = path / "tmp"
        self.mark = f"{OUTPUT}={self.outputs}".encode()
        self._lock = path / "lock"
        self._begun = path / "begun.json"
        self._process = path / "process.json"
        self._ended = path / "ended.json"
        self._crash = path / "crash.txt"
        self._stripped = path / "stripped"

    def make(self, mode: int = 0o700) -> None:
        """Make it, where it is not there yet. It is private: output may hold what few should read."""
        self.path.parent.mkdir(mode=mode, parents=True, exist_ok=True)
        self.path.mkdir(mode=mode, exist_ok=True)

    def make_inside(self, owner: tuple[int, int] | None = None) -> None:
        """Make the directories that a command works in, for whom it runs as."""
        for directory in (self.work, self.tmp, self.outputs.parent):
            directory.mkdir(mode=0o700, exist_ok=True)
        self.outputs.touch(mode=0o600)
        if owner:
            for path in (self.work, self.tmp, self.outputs.parent, self.outputs):
                os.chown(path, *owner)

    def read_outputs(self, most: int) -> str:
        """What it gave, at most so many bytes; only of a plain file, whatever the command made of it."""
        try:
            file = os.open(self.outputs, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return ""
        try:
            found = os.fstat(file)
            if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:  # a link may lead to what only we may read
                return ""
            return os.read(file, most).decode(errors="replace")
        finally:
            os.close(file)

    def is_stripped(self) -> bool:
        return self._stripped.exists()

    def is_bare(self) -> bool:
        """Whether `strip` has come to its end."""
        return self.is_stripped() and not self.work.exists()

    def strip(self) -> None:
        """Remove the output and the directories of a run that has ended; the records stay. Raises `OSError`."""
        import shutil  # late: what all supervisors import, all pay for

        self.strip_output()
        self.control.unlink(missing_ok=True)
        for directory in (self.tmp, self.outputs.parent, self.work):
            if directory.exists():
                shutil.rmtree(directory)

    def strip_output(self) -> None:
        """Remove the output of a run that has ended; what it left running may still work in its directory. Raises
        `OSError`."""
        self._stripped.touch()
        for file in (*self.path.glob("output.*"), *self.path.glob("streams.*")):
            file.unlink(missing_ok=True)

    def ended_at(self) -> float | None:
        """When its end was recorded, in seconds since 1970; None: it has not ended."""
        try:
            return self._ended.stat().st_mtime
        except FileNotFoundError:
            return None

    def lock(self) -> int | None:
        """Take the lock: a file descriptor that holds it, also in the process it is passed to. None: it is held."""
        return self._take(fcntl.LOCK_EX)

    def has_begun(self) -> bool:
        """Whether it began, or was cancelled before: either way it must not begin any more."""
        return self._begun.exists() or self._ended.exists()

    def standing(self) -> Standing:
        try:
            lock = self._take(fcntl.LOCK_SH)
        except FileNotFoundError:
            return Standing.ABSENT
        if lock is None:
            return Standing.HELD
        os.close(lock)  # whoever held it has recorded the end by now
        if self._ended.exists():
            return Standing.ENDED
        return Standing.LOST if self._begun.exists() else Standing.NEW

    def begun(self) -> dict[str, Any]:
        """The record of the beginning; empty when there is none or power failed while it was written."""
        return _read(self._begun)

    def process(self) -> dict[str, Any]:
        """`id` and `started` (ticks since boot) of the command's process; empty when there is none."""
        return _read(self._process)

    def ended(self) -> dict[str, Any]:
        return _read(self._ended)

    def reserve(self) -> None:
        """Take the room for the records that follow, so that a disk that is full by then costs none. Raises
        `OSError`."""
        for path in (self._process, self._ended):
            _draft(path, b" " * RESERVED)

    def record_begun(self, record: dict[str, object]) -> None:
        """Returns when the record survives a power failure."""
        _write(self._begun, record, durable=True)
        _sync(self.path)
        _sync(self.path.parent)

    def record_process(self, record: dict[str, object]) -> None:
        """Not durable: no process survives what this does not."""
        _write(self._process, record, durable=False)

    def record_ended(self, record: dict[str, object]) -> None:
        """Returns when everybody sees it; `sync` makes it durable, which nobody needs to wait for."""
        _write(self._ended, record, durable=False)

    def sync(self) -> None:
        for file in (self._ended, *self.path.glob("output.*"), *self.path.glob("streams.*")):
            with contextlib.suppress(FileNotFoundError):  # whoever watched has it by now, and took it away
                _sync(file)
        _sync(self.path)

    def record_crash(self, trace: str) -> None:
        self._crash.write_text(trace)

    def crash(self) -> str:
        """The last line of the supervisor's trace, if it failed."""
        try:
            return self._crash.read_text().strip().rpartition("\n")[2]
        except FileNotFoundError:
            return ""

    def ask_to_cancel(self) -> None:
        """Tell the supervisor. No reader, or no FIFO: there is none, or it is beginning and will be asked again."""
        try:
            control = os.open(self.control, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno not in (errno.ENXIO, errno.ENOENT):
                raise
            return
        try:
            os.write(control, b"c")
        except BlockingIOError:
            pass  # full of requests that say the same
        finally:
            os.close(control)

    def _take(self, kind: int) -> int | None:
        lock = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return None
        return lock


def _read(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_bytes())
    except (FileNotFoundError, IsADirectoryError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _write(path: Path, record: dict[str, object], *, durable: bool) -> None:
    draft = _draft(path, json.dumps(record).encode())
    if durable:
        _sync(draft)
    draft.rename(path)


def _draft(path: Path, content: bytes) -> Path:
    """Overwritten in place: what was reserved is used."""
    draft = path.with_suffix(".draft")
    with open(os.open(draft, _DRAFT, 0o600), "wb") as file:  # noqa: PTH123
        file.write(content)
        file.truncate()
    return draft


def _sync(path: Path) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
