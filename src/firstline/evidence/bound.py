"""What the entries of a pack say of its other files. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from firstline.evidence.pack import ENTRIES, PROOFS, row_path
from firstline.ledger.checkpoint import Checkpoint
from firstline.ledger.facet import REMOVED
from firstline.ledger.tree import leaf_hash, verify_inclusion

Entry = dict[str, Any]


@dataclass
class Bound:
    """`about`: ids of the entries about the pack's remediations; `needed`: the labels that these bind. `last`: by
    label, position and digest of the last entry that binds it. `fresh`: labels that entries without a proof bind."""

    about: frozenset[str]
    ids: set[str] = field(default_factory=set)
    positions: set[int] = field(default_factory=set)
    last: dict[str, tuple[int, str]] = field(default_factory=dict)
    needed: set[str] = field(default_factory=set)
    fresh: set[str] = field(default_factory=set)

    def proved(self, texts: Iterable[bytes], proofs: Iterable[bytes], checkpoint: Checkpoint | None) -> Iterator[str]:
        """Take the entries in; gives what is wrong with them."""
        more = iter(proofs)
        for number, text in enumerate(texts, 1):
            proof = next(more, b"")
            try:
                entry, (position, hashes) = _entry(text), _proof(proof)
            except (ValueError, KeyError, TypeError):
                yield f"{ENTRIES} or {PROOFS}, line {number}: it is no entry with its proof"
                continue
            if checkpoint and not verify_inclusion(leaf_hash(text), position, checkpoint.size, hashes, checkpoint.root):
                yield f"{ENTRIES}, line {number}: entry {entry['id']}, or its line of {PROOFS}, was edited"
            self._take(entry, position)
        if next(more, None) is not None:
            yield f"{PROOFS} has more lines than {ENTRIES}"

    def unproved(self, texts: Iterable[bytes]) -> Iterator[str]:
        for number, text in enumerate(texts, 1):
            try:
                entry = _entry(text)
            except (ValueError, KeyError, TypeError):
                yield f"line {number} is no entry"
                continue
            self.ids.add(entry["id"])
            self.fresh |= set(entry["rows"])

    def row(self, label: str, digest: str | None) -> str:
        """What is wrong with a row; `digest` is its file's, None where there is no file."""
        expected = self.last[label][1] if label in self.last else ""
        if digest is None:
            return "" if expected == REMOVED else f"{row_path(label)} is missing: an entry binds it"
        if digest == expected or label in self.fresh:
            return ""
        return f"{row_path(label)} was edited: it is not what the last entry that binds it says"

    def _take(self, entry: Entry, position: int) -> None:
        self.ids.add(entry["id"])
        self.positions.add(position)
        for label, digest in entry["rows"].items():
            if position >= self.last.get(label, (-1, ""))[0]:
                self.last[label] = (position, digest)
            if entry["id"] in self.about:
                self.needed.add(label)


def _entry(text: bytes) -> Entry:
    entry: Entry = orjson.loads(text)
    if not isinstance(entry["id"], str) or not isinstance(entry["rows"], dict):
        raise TypeError
    return entry


def _proof(line: bytes) -> tuple[int, list[bytes]]:
    claimed = orjson.loads(line)
    return int(claimed["position"]), [bytes.fromhex(each) for each in claimed["proof"]]
