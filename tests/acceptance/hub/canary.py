"""Fifty secrets of all kinds, and how to find any of them again, also in part."""

import base64
import gzip
import html
import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, quote_plus

from firstline.secret.store import new_key

FOLD = 12  # characters: how the program folds what it prints


_STAMP = re.compile(rb"^\S+Z (?:stdout|stderr) [FP] ", re.M)  # what a line of a log begins with
_BREAK = re.compile(rb"(?:[\r\n]|\\n)[ \t]*")


@dataclass
class Canaries:
    """The hub's own, and those of runbooks by the variable that has them: fifty."""

    own: dict[str, str] = field(default_factory=dict)
    steps: dict[str, str] = field(default_factory=dict)

    def needles(self, names: set[str] | None = None) -> dict[bytes, str]:
        """What tells each, also in part."""
        every = {name: value for name, value in {**self.own, **self.steps}.items() if names is None or name in names}
        return {needle: name for name, value in every.items() for part in _parts(value) for needle in _needles(part)}


def _parts(value: str) -> list[str]:
    password = re.search(r"://[^:]+:([^@]+)@", value)
    return [password[1]] if password else [line for line in value.splitlines() if "-----" not in line]


def _needles(value: str) -> Iterator[bytes]:
    inner = value.encode()
    for form in (value, quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1], html.escape(value)):
        yield from (form[at : at + FOLD].encode() for at in range(0, len(form) - FOLD + 1, FOLD))
    yield from (inner.hex()[at : at + 16].encode() for at in range(0, len(inner) * 2 - 16 + 1, 16))
    for offset in range(3):
        encoded = base64.b64encode(b"-" * offset + inner)[4:-4]
        yield from (encoded[at : at + 16] for at in range(0, len(encoded) - 16 + 1, 16))


class Search:
    """Finds any of the needles in whatever it is shown."""

    def __init__(self, canaries: Canaries) -> None:
        self._needles = canaries.needles()

    def __call__(self, what: bytes) -> set[str]:
        """The names of the secrets that show, also where line breaks run through them."""
        whole = _BREAK.sub(b"", _STAMP.sub(b"", what))
        return {name for needle, name in self._needles.items() if needle in what or needle in whole}

    def files(self, folder: Path, but: tuple[Path, ...] = ()) -> dict[str, set[str]]:
        """By file, packed ones unpacked."""
        found = {}
        for path in folder.rglob("*"):
            if path.is_file() and not any(path.is_relative_to(each) for each in but):
                body = path.read_bytes()
                found[str(path)] = self(gzip.decompress(body) if path.suffix == ".gz" else body)
        return {path: names for path, names in found.items() if names}

    def processes(self) -> dict[tuple[int, str], set[str]]:
        """By process and what the machine shows of it."""
        found = {}
        for proc in Path("/proc").glob("[0-9]*"):
            for what in ("cmdline", "environ"):
                try:
                    found[int(proc.name), what] = self((proc / what).read_bytes())
                except OSError:  # it has ended
                    continue
        return {place: names for place, names in found.items() if names}


def _pem() -> str:
    lines = "\n".join(secrets.token_urlsafe(48) for _ in range(6))
    return "-----BEGIN PRIVATE" + f" KEY-----\n{lines}\n-----END PRIVATE" + " KEY-----"


def plant() -> Canaries:
    made = Canaries({name: secrets.token_urlsafe(30) for name in ("HOOK", "SERVICENOW", "MAIL", "pagerduty")})
    made.own["key"] = new_key()
    for at in range(40):
        made.steps[f"C_{at:02}"] = secrets.token_urlsafe(24)
    made.steps["C_40"] = f"postgresql://hub:{secrets.token_urlsafe(24)}@db.example.com/shop"
    made.steps["C_41"] = _pem()
    made.steps["C_42"] = f'{secrets.token_hex(9)} & <"odd"> + {secrets.token_hex(9)} \\ é'
    return made
