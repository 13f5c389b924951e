"""Verifies a pack with nothing but the pack and a key: no hub, no database, no network."""

import hashlib
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError

from firstline.evidence.bound import Bound
from firstline.evidence.pack import (
    CHECKPOINT,
    ENTRIES,
    FORMAT,
    KEY,
    MANIFEST,
    PROOFS,
    SIGNATURE,
    UNPLACED,
    Manifest,
    body_path,
    plan_path,
    row_path,
)
from firstline.evidence.signature import check
from firstline.ledger.checkpoint import Checkpoint, Untrue, Verifier, opened

LARGEST = 256 * 1024 * 1024  # bytes of a file that is read whole; no export makes one so large
OWN = frozenset({MANIFEST, SIGNATURE})  # what the manifest can't name
STREAMS = frozenset({ENTRIES, PROOFS, UNPLACED})
CUT = "the key is the pack's own: it proves something only once you have compared it with one published elsewhere"


@dataclass
class Verdict:
    """`findings`: what is wrong, each naming a file or an entry; none: the pack is as the hub made it. `notes`: what a
    person has to know all the same."""

    findings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    files: int = 0
    entries: int = 0
    rows: int = 0
    checkpoint: Checkpoint | None = None
    keys: tuple[Verifier, ...] = ()


def verify(path: Path, verifiers: Iterable[Verifier] = ()) -> Verdict:
    """`verifiers`: keys that are trusted; none: those in the pack, which is noted."""
    found = Verdict(keys=tuple(verifiers))
    try:
        with zipfile.ZipFile(path) as archive:
            _Check(archive, found).run()
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError) as error:
        found.findings.append(f"{path.name} can't be read as a zip: {error}")
    return found


class _Check:
    def __init__(self, archive: zipfile.ZipFile, found: Verdict) -> None:
        self._archive = archive
        self._found = found
        self._names = set(archive.namelist())
        self._digests: dict[str, str] = {}

    def run(self) -> None:
        odd = [one.filename for one in self._archive.infolist() if _is_odd(one)]
        if odd or len(self._archive.namelist()) != len(self._names):
            self._wrong(f"the zip holds a file twice, or one that is too large: {', '.join(odd)}")
            return
        manifest = self._manifest()
        if manifest is None:
            return
        self._files(manifest)
        self._keys()
        self._signature()
        self._checkpoint()
        bound = self._entries(manifest)
        self._rows(manifest, bound)
        self._contents(manifest)
        self._population(manifest, bound)

    def _manifest(self) -> Manifest | None:
        try:
            read = Manifest.model_validate_json(self._archive.read(MANIFEST))
        except (KeyError, ValidationError):
            self._wrong(f"{MANIFEST} is missing, or is no manifest of a pack in the form {FORMAT!r}")
            return None
        return read

    def _files(self, manifest: Manifest) -> None:
        for name in sorted(self._names - OWN - set(manifest.files)):
            self._wrong(f"{name} was added: the manifest does not name it")
        for name, digest in manifest.files.items():
            if name not in self._names:
                self._wrong(f"{name} is missing: the manifest names it")
                continue
            self._found.files += 1
            self._digests[name] = found = self._digest(name)
            if found != digest:
                self._wrong(f"{name} was edited: the manifest has another digest of it")

    def _keys(self) -> None:
        if self._found.keys:
            return
        self._note(CUT)
        try:
            lines = self._archive.read(KEY).decode("utf-8", "replace").splitlines()
            self._found.keys = tuple(map(Verifier.parse, lines))
        except (KeyError, Untrue) as error:
            self._wrong(f"{KEY}: {error}")

    def _signature(self) -> None:
        if SIGNATURE not in self._names:
            self._note(f"{MANIFEST} is not signed: nothing proves that the pack is whole, nor its pages")
            return
        note = self._archive.read(SIGNATURE).decode("utf-8", "replace")
        try:
            check(note, self._archive.read(MANIFEST), self._found.keys)
        except Untrue as error:
            self._wrong(f"{SIGNATURE} or {MANIFEST} was edited: {error}")

    def _checkpoint(self) -> None:
        if CHECKPOINT not in self._names:
            self._wrong(f"{CHECKPOINT} is missing: nothing is proved")
            return
        try:
            note = self._archive.read(CHECKPOINT).decode("utf-8", "replace")
            self._found.checkpoint = opened(note, self._found.keys)
        except Untrue as error:
            self._wrong(f"{CHECKPOINT}: {error}")

    def _entries(self, manifest: Manifest) -> Bound:
        bound = Bound(frozenset(id_ for ids in manifest.about.values() for id_ in ids))
        for words in bound.proved(self._lines(ENTRIES), self._lines(PROOFS), self._found.checkpoint):
            self._wrong(words)
        self._found.entries = len(bound.ids)
        for words in bound.unproved(self._lines(UNPLACED)):
            self._wrong(f"{UNPLACED}: {words}")
        for id_ in sorted(bound.about - bound.ids):
            self._wrong(f"{ENTRIES}: entry {id_} is missing")
        return bound

    def _rows(self, manifest: Manifest, bound: Bound) -> None:
        gaps = {gap.partition(": ")[0] for gaps in manifest.gaps.values() for gap in gaps}
        for label in sorted(bound.needed):
            path = row_path(label)
            wrong = bound.row(label, self._digests.get(path))
            if path in manifest.masked:
                self._note(f"{path}: secrets were masked in it at the export; it can't be checked against its entry")
            elif wrong and not (path not in self._names and label in gaps):
                self._wrong(wrong)
            elif not wrong and path in self._names:
                self._found.rows += 1
            if label in bound.fresh:
                self._note(f"{path}: an entry without a proof binds it; export it again in a moment")
        named = {row_path(label) for label in bound.needed | bound.fresh}
        for path in sorted(name for name in self._digests if name.startswith("rows/") and name not in named):
            self._wrong(f"{path}: no entry binds it")

    def _contents(self, manifest: Manifest) -> None:
        """Bodies of deliveries against their rows, plans against the digests that were approved."""
        rows = dict(self._read(manifest))
        for name, row in rows.items():
            if name.startswith("rows/delivery/"):
                self._same([row.get("body")], body_path(str(row.get("id"))), manifest, name)
        for id_ in manifest.remediations:
            ended = rows.get(row_path(f"remediation.ended/{id_}"))
            told = [ended] if ended else [row for row in rows.values() if row.get("remediation_id") == id_]
            self._same([row.get("plan_digest") for row in told], plan_path(id_), manifest, "what was approved")

    def _read(self, manifest: Manifest) -> Iterator[tuple[str, dict[str, Any]]]:
        """The rows that other files are checked against."""
        checked = ("rows/delivery/", "rows/remediation.ended/", "rows/approval/")
        for name in self._digests:
            if name.startswith(checked) and name not in manifest.masked:
                try:
                    row = orjson.loads(self._archive.read(name))
                except orjson.JSONDecodeError:
                    row = None
                if isinstance(row, dict):
                    yield name, row
                else:
                    self._wrong(f"{name} was edited: it is no row")

    def _same(self, digests: list[Any], path: str, manifest: Manifest, told: str) -> None:
        """`digests`: what the file may be; none: nothing says."""
        if path in manifest.masked:
            self._note(f"{path}: secrets were masked in it at the export; it can't be checked")
        elif path not in self._digests:
            self._wrong(f"{path} is missing")
        elif not digests:
            self._note(f"{path}: no entry binds it yet")
        elif self._digests[path] not in digests:
            self._wrong(f"{path} was edited: {told} has another digest of it")

    def _population(self, manifest: Manifest, bound: Bound) -> None:
        whole = manifest.population
        if whole.first is None or whole.last is None:
            return
        missing = sum(at not in bound.positions for at in range(whole.first, whole.last + 1))
        if missing or whole.last + 1 - whole.first != whole.entries:
            self._wrong(f"{ENTRIES}: {missing} of the {whole.entries} entries of the period are missing")

    def _lines(self, name: str) -> Iterator[bytes]:
        if name in self._names:
            with self._archive.open(name) as file:
                for line in file:
                    yield line.removesuffix(b"\n")

    def _digest(self, name: str) -> str:
        found = hashlib.sha256()
        with self._archive.open(name) as file:
            while part := file.read(1 << 20):
                found.update(part)
        return found.hexdigest()

    def _wrong(self, words: str) -> None:
        self._found.findings.append(words)

    def _note(self, words: str) -> None:
        if words not in self._found.notes:
            self._found.notes.append(words)


def _is_odd(entry: zipfile.ZipInfo) -> bool:
    return entry.file_size > LARGEST and entry.filename not in STREAMS
