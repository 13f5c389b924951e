"""The store's file. It is replaced as a whole, by one writer at a time; who reads sees the old or the new one."""

import fcntl
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from firstline.errors import Rejected
from firstline.secret.store.envelope import Envelope, Key, rewrap, seal, unseal

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
FILE = "secrets.json"  # in the state folder

Keys = Callable[[], Sequence[Key]]  # the first writes, all read


class Content(BaseModel):
    """`serial` counts the writes: a version is never given twice, not even to a name that was removed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    serial: int = Field(default=0, ge=0)
    secrets: dict[str, Envelope] = {}


class Store:
    """Secrets by name, sealed, in a file that its owner alone may read. All methods raise `Rejected` with the mend."""

    def __init__(self, path: Path, keys: Keys) -> None:
        self.path = path
        self._keys = keys

    @property
    def key(self) -> Key:
        """What writes."""
        return self._keys()[0]

    def names(self) -> dict[str, Envelope]:
        """What there is; nothing is opened."""
        return dict(sorted(self._read().secrets.items()))

    def get(self, name: str) -> str:
        found = self._read().secrets.get(name)
        if found is None:
            raise Rejected("it is not in the store; `firstline secret set` puts it there")
        return unseal(self._key(found), name, found)

    def set(self, name: str, value: str) -> int:
        """Keep a value; gives its version."""
        if not _NAME.fullmatch(name):
            raise Rejected("a name has letters, digits, '.', '_' and '-', 100 at most")
        with self._writing() as writer:
            version = writer.content.serial + 1
            at = datetime.now(UTC).isoformat(timespec="seconds")
            sealed = seal(self.key, name, version, at, value)
            writer.write({**writer.content.secrets, name: sealed})
        return version

    def remove(self, name: str) -> None:
        with self._writing() as writer:
            kept = {each: found for each, found in writer.content.secrets.items() if each != name}
            if len(kept) == len(writer.content.secrets):
                raise Rejected("it is not in the store")
            writer.write(kept)

    def rotate(self) -> list[str]:
        """Wrap each secret with the first key; gives the names of those that were not. All or none."""
        with self._writing() as writer:
            new = self.key
            old = {name: found for name, found in writer.content.secrets.items() if found.key != new.id}
            if old:
                fresh = {name: rewrap(self._key(found), new, name, found) for name, found in old.items()}
                writer.write({**writer.content.secrets, **fresh})
        return sorted(old)

    def _key(self, found: Envelope) -> Key:
        for each in self._keys():
            if each.id == found.key:
                return each
        raise Rejected(
            f"it is wrapped with the key {found.key}, which is neither secrets.key nor one of secrets.old_keys"
        )

    def _read(self) -> Content:
        try:
            return Content.model_validate_json(self.path.read_bytes())
        except FileNotFoundError:
            return Content()
        except OSError as error:
            raise Rejected(f"{self.path} can't be read: {error.strerror}") from None
        except ValidationError:
            raise Rejected(f"{self.path} is no store: it was changed; take it from a backup") from None

    @contextmanager
    def _writing(self) -> Iterator["_Writer"]:
        self._keys()  # without them nothing is begun
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock = os.open(self.path.with_name(f".{self.path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Rejected(f"{self.path} can't be written: {error.strerror}") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield _Writer(self.path, self._read())
        except OSError as error:
            raise Rejected(f"{self.path} can't be written: {error.strerror}") from None
        finally:
            os.close(lock)


class _Writer:
    """Who holds the lock."""

    def __init__(self, path: Path, content: Content) -> None:
        self._path = path
        self.content = content

    def write(self, kept: dict[str, Envelope]) -> None:
        content = Content(serial=self.content.serial + 1, secrets=kept)
        draft = self._path.with_name(f".{self._path.name}.draft")  # one writer at a time: what is there was never used
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content.model_dump_json(indent=1).encode())
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)  # or a power cut may bring the old one back
        finally:
            os.close(folder)
