"""What checkpoints claim of the tree: those in the table, in files, and those that were brought from elsewhere."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from firstline.ledger.checkpoint import Checkpoint, Untrue, Verifier, opened
from firstline.ledger.finding import Findings
from firstline.ledger.frontier import Frontier
from firstline.store.table import CHECKPOINT

TABLE = CHECKPOINT.name


@dataclass(frozen=True)
class Claim:
    size: int
    root: bytes
    place: str  # the table, or a file


class Claims:
    """Claims by their size, each held against the tree when that has grown to it."""

    def __init__(self, claims: Iterable[Claim]) -> None:
        self._claims = sorted(claims, key=lambda claim: claim.size)
        self._next = 0
        self._true: dict[str, int] = {}  # by place, the size of its last claim that was true
        self._untrue: dict[str, list[str]] = {}  # by place

    def __len__(self) -> int:
        return len(self._claims)

    @property
    def top(self) -> int:
        """Entries that the largest claim covers."""
        return self._claims[-1].size if self._claims else 0

    def hold(self, frontier: Frontier) -> None:
        """To be called after each entry."""
        while self._next < len(self._claims) and self._claims[self._next].size <= frontier.size:
            self._judge(self._claims[self._next], frontier.root)
            self._next += 1

    def _judge(self, claim: Claim, root: bytes) -> None:
        if claim.root == root:
            self._true[claim.place] = claim.size
            return
        changed = f"from entry {self._true.get(claim.place, 0)} on something was edited, put in or taken out"
        what = f"the checkpoint of {claim.size} entries does not fit: {changed}"
        self._untrue.setdefault(claim.place, []).append(what)

    def tell(self, size: int, findings: Findings) -> None:
        """Tell what does not fit, once for each place; `size`: entries that there are."""
        for claim in self._claims[self._next :]:
            what = f"speaks of {claim.size} entries, there are {size}: the last were removed"
            self._untrue.setdefault(claim.place, []).append(f"the last checkpoint {what}")
        for place, (first, *later) in self._untrue.items():
            findings.tell(place, "", f"{first}{f' ({len(later)} more do not fit either)' if later else ''}")


def claims(
    connection: sa.Connection,
    verifiers: Sequence[Verifier],
    kept: Iterable[tuple[object, str]],
    findings: Findings,
) -> Claims:
    """The claims that a known key has signed; each other is a finding. `kept`: notes from elsewhere, with their files.
    One that the table does not have was taken out of it."""
    reader = _Reader(verifiers, findings)
    table: dict[int, str] = {row.size: row.note for row in connection.execute(sa.select(CHECKPOINT))}
    found, known = list(reader.of_table(table)), set(table.values())
    for place, note in dict.fromkeys(kept):
        if note not in known:
            found += reader.of_file(str(place), note, table)
    return Claims(found)


class _Reader:
    def __init__(self, verifiers: Sequence[Verifier], findings: Findings) -> None:
        self._verifiers = verifiers
        self._findings = findings

    def of_table(self, table: dict[int, str]) -> Iterator[Claim]:
        for size, note in table.items():
            signed = self._opened(TABLE, size, note)
            if signed and signed.size == size:
                yield Claim(size, signed.root, TABLE)
            elif signed:
                self._findings.tell(TABLE, size, f"holds the checkpoint of {signed.size} entries")

    def of_file(self, place: str, note: str, table: dict[int, str]) -> Iterator[Claim]:
        words = " ".join(note.split("\n")[:2])
        signed = self._opened(place, f"{words!r:.80}", note)
        if signed is None:
            return
        if signed.size not in table:
            self._findings.tell(TABLE, signed.size, f"was removed: {place} has it")
        yield Claim(signed.size, signed.root, place)

    def _opened(self, place: str, row: object, note: str) -> Checkpoint | None:
        try:
            return opened(note, self._verifiers)
        except Untrue as error:
            self._findings.tell(place, row, f"can't be trusted: {error}")
            return None
