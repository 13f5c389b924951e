"""The file an export makes: a zip whose manifest names the SHA-256 of each of its files."""

import hashlib
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote

import orjson
from pydantic import BaseModel, ConfigDict

MANIFEST = "manifest.json"
SIGNATURE = "manifest.note"  # the manifest's SHA-256, signed
CHECKPOINT = "checkpoint"
KEY = "key.txt"
ENTRIES = "entries.jsonl"
PROOFS = "proofs.jsonl"
UNPLACED = "unplaced.jsonl"
PAGE = "timeline.html"
README = "README.txt"
FORMAT = "firstline evidence 1"


class Population(BaseModel):
    """What an auditor draws a sample from. Positions and numbers have no gaps, so none can be left out unseen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    entries: int = 0  # of the ledger, in the period
    first: int | None = None  # position in the tree
    last: int | None = None
    remediations: int = 0
    changes: int = 0  # in Firstline's own register
    first_change: str = ""
    last_change: str = ""


class Manifest(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    format: str = FORMAT
    asked: str
    made_at: datetime
    made_by: str
    hub: str  # its address
    version: str  # of Firstline
    remediations: list[str]
    population: Population
    gaps: dict[str, list[str]]  # by remediation, or `period`: what is not here, and why
    masked: list[str]  # files in which secrets were masked at the export: they can't be checked against the entries
    about: dict[str, list[str]]  # by remediation, the ids of the entries that tell it
    files: dict[str, str]  # by path, SHA-256


@dataclass
class Pack:
    """Adds files to a zip and keeps their digests. A path that is there already is left as it is."""

    archive: zipfile.ZipFile
    made_at: datetime
    files: dict[str, str] = field(default_factory=dict)

    def add(self, path: str, content: bytes) -> None:
        self.stream(path, [content])

    def stream(self, path: str, parts: Iterable[bytes]) -> None:
        if path in self.files:
            return
        digest = hashlib.sha256()
        with self.archive.open(self._entry(path), "w", force_zip64=True) as file:
            for part in parts:
                digest.update(part)
                file.write(part)
        self.files[path] = digest.hexdigest()

    def close(self, manifest: Manifest) -> bytes:
        """Write the manifest; gives its bytes."""
        content = orjson.dumps(manifest.model_dump(mode="json"), option=orjson.OPT_INDENT_2)
        self.archive.writestr(self._entry(MANIFEST), content)
        return content

    def sign(self, note: str) -> None:
        self.archive.writestr(self._entry(SIGNATURE), note.encode())

    def _entry(self, path: str) -> zipfile.ZipInfo:
        entry = zipfile.ZipInfo(path, self.made_at.timetuple()[:6])
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = 0o644 << 16
        return entry


def row_path(label: str) -> str:
    facet, _, key = label.partition("/")
    return f"rows/{facet}/{quote(key, safe='')}.json"


def body_path(delivery: str) -> str:
    return f"bodies/{delivery}"


def plan_path(remediation: str) -> str:
    return f"remediations/{remediation}/plan.json"


def page_path(remediation: str) -> str:
    return f"remediations/{remediation}/{PAGE}"


def signed_text(manifest: bytes) -> str:
    """What is signed of a manifest. Its first line is no origin of a log: it can't pass for a checkpoint."""
    return f"{FORMAT} manifest\n{hashlib.sha256(manifest).hexdigest()}\n"
