"""Reads what references name."""

import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

from firstline.errors import Misdeclared, Rejected, Unauthorized, Unavailable
from firstline.secret.reference import Reference, is_reference, reference
from firstline.secret.settings import SecretSettings, VaultSettings
from firstline.secret.store import Key, Store, key
from firstline.secret.store.store import FILE as STORE
from firstline.secret.vault import Read, Vault

FILE = "firstline.toml"
KEPT = 5.0  # seconds that Vault's answer holds; a lease's never

Learn = Callable[[Iterable[str]], None]


class References:
    """Of one firstline.toml. Threads may use it."""

    def __init__(
        self,
        vault: VaultSettings | None = None,
        secrets: SecretSettings | None = None,
        state: Path = Path("state"),
    ) -> None:
        self._tokens: list[str] = []  # that Vault gave before anybody masked
        self._learn: Learn = self._tokens.extend
        self.store = Store(state / STORE, self._keys)
        self._secrets = secrets or SecretSettings()
        self._vault = (
            Vault(vault, partial(self._local, "vault.auth"), lambda token: self._learn([token])) if vault else None
        )
        self._kept: dict[str, tuple[float, Read | Unavailable]] = {}
        self._reading = threading.Lock()

    def resolve(self, text: str, where: str) -> str:
        """What a reference names; other text is itself. `where` it stands is in the error's words, never a value.
        Raises `Misdeclared`; `Unavailable` when Vault can't answer now."""
        if not is_reference(text):
            return text
        leases: dict[str, Read] = {}
        try:
            value = self._told(where, lambda: self._one(reference(text), leases))
        except (Rejected, Unauthorized) as error:
            raise Misdeclared(str(error), place=FILE) from None
        if any(read.leased for read in leases.values()):
            why = "it is leased and will end, but settings are read once; give it to runbooks, by [secrets.names]"
            raise Misdeclared(f"{where} names {text}: {why}", place=FILE)
        return value

    def read(self, named: Mapping[str, Reference]) -> list[str]:
        """The values, by what the words of an error call them; what stands under one path of Vault is of one lease.
        Raises `Rejected`, `Unauthorized` or `Unavailable`."""
        leases: dict[str, Read] = {}
        return [self._told(who, partial(self._one, each, leases)) for who, each in named.items()]

    def teach(self, learn: Learn) -> None:
        """Tell the tokens that Vault gives, and has given, to who masks."""
        self._learn = learn
        learn(self._tokens)

    def keep(self) -> None:
        """Let no sign-in end for want of use. Raises as `read`."""
        if self._vault is not None:
            self._vault.keep()

    def close(self) -> None:
        if self._vault is not None:
            self._vault.close()

    def _one(self, named: Reference, leases: dict[str, Read]) -> str:
        value = self._found(named, leases)
        if "\0" in value or not _is_utf8(value):  # no environment, header or mask could hold it
            raise Rejected(f"names {named}, which is no UTF-8 text, or has a NUL in it")
        return value

    def _found(self, named: Reference, leases: dict[str, Read]) -> str:
        if named.scheme == "vault":
            return self._told(f"names {named}:", lambda: self._at_vault(named.place, leases).text(named.key))
        if named.scheme == "store":
            return self._told(f"names {named}:", lambda: self.store.get(named.place))
        return _environment(named.place) if named.scheme == "env" else _file(named.place)

    def _told(self, subject: str, read: Callable[[], str]) -> str:
        """The value; an error says whose it was to be."""
        try:
            return read()
        except Unavailable as error:
            raise Unavailable(f"{subject} {error}", retry_after=error.retry_after) from None
        except (Rejected, Unauthorized) as error:
            raise type(error)(f"{subject} {error}") from None

    def _at_vault(self, path: str, leases: dict[str, Read]) -> Read:
        if self._vault is None:
            raise Rejected("there is no [vault] in firstline.toml")
        if path not in leases:
            leases[path] = self._lately(self._vault, path)
        return leases[path]

    def _lately(self, vault: Vault, path: str) -> Read:
        """One thread asks at a time: a Vault that is down holds up nobody but who needs it, and each once."""
        with self._reading:
            at, found = self._kept.get(path, (float("-inf"), None))
            if found is None or time.monotonic() - at > KEPT:
                found = self._asked(vault, path)
        if isinstance(found, Unavailable):
            raise found
        return found

    def _asked(self, vault: Vault, path: str) -> Read | Unavailable:
        found: Read | Unavailable
        try:
            found = vault.read(path)
        except Unavailable as error:
            found = error
        self._kept.pop(path, None)
        if isinstance(found, Unavailable) or not found.leased:
            self._kept[path] = time.monotonic(), found
        return found

    def _keys(self) -> list[Key]:
        if self._secrets.key is None:
            raise Rejected(
                '[secrets] in firstline.toml needs key = "env:FIRSTLINE_KEY"; `firstline secret key` makes one'
            )
        named = [("secrets.key", self._secrets.key), *(("secrets.old_keys", old) for old in self._secrets.old_keys)]
        return [self._key(*each) for each in named]

    def _key(self, where: str, text: str) -> Key:
        value = self._local(where, text)
        try:
            return key(value)
        except Rejected as error:
            raise Rejected(f"{where} {error}") from None

    def _local(self, where: str, text: str) -> str:
        return self._told(where, lambda: self._one(reference(text), {}))


def _environment(name: str) -> str:
    if name not in os.environ:
        raise Rejected(f"names the environment variable {name}, which is not set")
    return os.environ[name]


def _file(path: str) -> str:
    """The line breaks at its end left out, and the mark that Windows puts at the beginning."""
    try:
        return Path(path).read_text(encoding="utf-8-sig").rstrip("\n")
    except OSError as error:
        raise Rejected(f"names the file {path}, which can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Rejected(f"names the file {path}, which is no UTF-8 text") from None


def _is_utf8(text: str) -> bool:
    """Python stands surrogates for what an environment or JSON has that is none."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
