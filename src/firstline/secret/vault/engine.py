"""Reads a path at Vault, whichever engine is there.

Facts: HashiCorp Vault, website/content/api-docs: secret/kv/kv-v1.mdx, secret/kv/kv-v2.mdx,
system/internal-ui-mounts.mdx; `sys/internal/ui/mounts/PATH` tells a path's mount, type and options to each token that
may read below it, and answers 403 to others and for what is not there (hashicorp/vault issues 11434, 7440). A version
that was deleted is answered 404 with its metadata (hvac/hvac issue 906)."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from firstline.errors import Rejected
from firstline.secret.settings import VaultSettings
from firstline.secret.vault.session import Answer, Learn, Local, Session, error_for


@dataclass(frozen=True, repr=False)
class Read:
    """What a path holds. `leased`: it was made for who asked, and ends."""

    values: dict[str, Any]
    leased: bool

    def text(self, key: str) -> str:
        """Raises `Rejected` where there is none; keys are named, values never."""
        value = self.values.get(key)
        if value is None:
            known = ", ".join(sorted(self.values)) or "none"
            raise Rejected(f"it has no key {key}; there are: {known}")
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise Rejected("it is no text and no number")
        return str(value)


class Vault:
    """Threads may use it. Errors are those of `Session`; a path that is missing or forbidden is `Rejected`."""

    def __init__(self, settings: VaultSettings, local: Local, learn: Learn) -> None:
        self._version = settings.kv
        self._session = Session(settings, local, learn)
        self.keep, self.close = self._session.keep, self._session.close

    def read(self, path: str) -> Read:
        mount = self._mount(path)
        inside = f"{mount}data/{path.removeprefix(mount)}" if mount else path
        answer = self._session.get(quote(inside))
        if answer.status != 200:
            missing = answer.status == 404 and not answer.words
            raise _missing(answer, mount, path) if missing else error_for(answer, f"GET {inside}", Rejected)
        found = answer.body.get("data")
        values = found.get("data") if mount and isinstance(found, dict) else found
        if not isinstance(values, dict):
            raise Rejected("it holds nothing that can be read by its keys")
        return Read(values, leased=bool(answer.body.get("lease_id")))

    def _mount(self, path: str) -> str:
        """The mount of the path with its last slash where it is a versioned key-value engine, else nothing."""
        if self._version != "detect":
            return f"{path.partition('/')[0]}/" if self._version == 2 else ""
        answer = self._session.get(f"sys/internal/ui/mounts/{quote(path)}")
        if answer.status == 404 and not answer.words:  # before Vault 0.10, which has no versions either
            return ""
        if answer.status != 200:
            error = error_for(answer, f"GET sys/internal/ui/mounts/{path}", Rejected)
            raise type(error)(f"{error}; there is no such mount, or the policies of the hub's token don't cover it")
        found = answer.body.get("data") or {}
        versioned = found.get("type") == "kv" and (found.get("options") or {}).get("version") == "2"
        return str(found.get("path", "")) if versioned else ""


def _missing(answer: Answer, mount: str, path: str) -> Rejected:
    found = answer.body.get("data")
    metadata = found.get("metadata") if isinstance(found, dict) else None
    if isinstance(metadata, dict):
        if metadata.get("destroyed"):
            return Rejected("it is destroyed in its newest version; write it anew")
        return Rejected("it is deleted in its newest version; undelete it, or write it anew")
    if mount and path.startswith(f"{mount}data/"):
        return Rejected(f"it is not there; a path has no data/ after its mount: write {path.replace('data/', '', 1)}")
    hint = "" if mount else "; is its engine a versioned one, and vault.kv = 1?"
    return Rejected(f"it is not there{hint}")
