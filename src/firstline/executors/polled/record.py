"""What is kept here of a run elsewhere: a directory with a few JSON files, private, each durable before the next thing
is done.

`lock`         held (flock) by whoever is beginning the run.
`begun.json`   there before the request that begins it. With no `run.json`: whether it began is to be found out.
`run.json`     where it is.
`stopped.json` that we asked for its end, and why.
`ended.json`   how it ended.
"""

import asyncio
import fcntl
import json
import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from firstline.errors import Unavailable

PATIENCE = 30.0  # seconds until somebody else who begins the same run is through
LOOK = 0.01


class Record:
    def __init__(self, path: Path) -> None:
        self.path = path

    @asynccontextmanager
    async def locked(self) -> AsyncIterator[None]:
        """One at a time, of all processes of this machine. Makes the directory. Raises `Unavailable` when somebody else
        keeps it."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + PATIENCE
        try:
            while not _taken(lock):
                if time.monotonic() > deadline:
                    raise Unavailable(f"run {self.path.name} is being begun by somebody else")
                await asyncio.sleep(LOOK)
            yield
        finally:
            os.close(lock)

    def read(self, name: str) -> dict[str, Any]:
        """Empty when there is none."""
        try:
            found: dict[str, Any] = json.loads((self.path / f"{name}.json").read_bytes())
        except FileNotFoundError:
            return {}
        return found

    def write(self, name: str, content: Mapping[str, Any]) -> None:
        """Returns when it survives a power failure. The last to write it wins, and is seen whole."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self.path / f"{name}.{os.getpid()}.{time.monotonic_ns()}.draft"
        file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(file, "w") as written:
            json.dump(content, written)
            written.flush()
            os.fsync(written.fileno())
        draft.rename(self.path / f"{name}.json")
        _sync(self.path)
        _sync(self.path.parent)

    def remove(self, name: str) -> None:
        (self.path / f"{name}.json").unlink(missing_ok=True)
        _sync(self.path)


def _taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sync(path: Path) -> None:
    directory = os.open(path, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
