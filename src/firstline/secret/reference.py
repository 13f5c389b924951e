"""References: the only way in which a secret stands in firstline.toml."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firstline.errors import Rejected

SCHEMES = ("env", "file", "vault", "store")


@dataclass(frozen=True)
class Reference:
    """`env:NAME`, `file:PATH`, `vault:PATH#KEY` or `store:NAME`. `key` is Vault's alone."""

    scheme: str
    place: str
    key: str = ""

    def __str__(self) -> str:
        return f"{self.scheme}:{self.place}" + (f"#{self.key}" if self.key else "")


def is_reference(text: object) -> bool:
    return isinstance(text, str) and text.partition(":")[0] in SCHEMES and ":" in text


def reference(text: str) -> Reference:
    """Raises `Rejected` for what is none, or not a whole one; it is not quoted, for it may be a secret."""
    if not is_reference(text):
        raise Rejected("no reference; write env:NAME, file:PATH, vault:PATH#KEY or store:NAME")
    scheme, _, place = text.partition(":")
    if scheme != "vault":
        return Reference(scheme, place)
    path, _, key = place.rpartition("#")
    path = path.strip("/")
    if not path or not key or any(part in ("", ".", "..") for part in path.split("/")):
        raise Rejected("vault:PATH#KEY, but without a path or a key; write vault:secret/db#password")
    return Reference(scheme, path, key)


def anchored(value: Any, folder: Path) -> Any:
    """The same with the paths of `file:` made absolute from the folder: it must not matter where the hub is started."""
    if isinstance(value, str) and value.startswith("file:"):
        return f"file:{folder / value.removeprefix('file:')}"
    if isinstance(value, list):
        return [anchored(each, folder) for each in value]
    if isinstance(value, dict):
        return {key: anchored(each, folder) for key, each in value.items()}
    return value
