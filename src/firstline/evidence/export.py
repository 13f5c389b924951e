"""Makes a pack: all that the hub knows of what was asked for, with the proof that nobody has edited it since."""

import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import BinaryIO

import orjson
import sqlalchemy as sa

from firstline.evidence import case as cases
from firstline.evidence import page, population
from firstline.evidence.asked import Asked, chosen
from firstline.evidence.case import Case, Line
from firstline.evidence.pack import (
    CHECKPOINT,
    ENTRIES,
    KEY,
    PAGE,
    PROOFS,
    README,
    UNPLACED,
    Manifest,
    Pack,
    Population,
    body_path,
    page_path,
    plan_path,
    row_path,
)
from firstline.evidence.readme import README_TEXT
from firstline.evidence.redact import redact
from firstline.evidence.signature import sign
from firstline.evidence.story import Story
from firstline.ledger import record
from firstline.ledger.checkpoint import Signer, Verifier, read
from firstline.ledger.tile import Tiles
from firstline.ledger.tree import inclusion_path
from firstline.masking import Masker
from firstline.register.change import name
from firstline.store.table import CHECKPOINT as SIGNED
from firstline.store.table import LEDGER

CHUNK = 500  # entries read at a time
PARTS, TILES = 4096, 64  # of the tree, remembered
PERIOD = "period"


@dataclass(frozen=True)
class Maker:
    """Who makes a pack, where, and with what. Without a signer the manifest is not signed."""

    by: str
    hub: str
    version: str
    at: datetime
    verifiers: tuple[Verifier, ...] = ()
    signer: Signer | None = None
    mask: Masker = field(default_factory=Masker)


def export(connection: sa.Connection, asked: Asked, file: BinaryIO, maker: Maker) -> Manifest:
    """Write a pack. `connection` sees one state of the database from the first query to the last. Raises `Rejected`
    where there is nothing of what was asked for."""
    ids = chosen(connection, asked)
    with zipfile.ZipFile(file, "w") as archive:
        return _Export(connection, asked, maker, Pack(archive, maker.at)).make(ids)


def tell(connection: sa.Connection, asked: str, digest: str, by: str) -> None:
    """That somebody took evidence out of the house is in the ledger too. `digest`: SHA-256 of the file."""
    record(connection, "ledger", "exported", f"Exported {asked}", by=by, facts={"sha256": digest})


class _Export:
    def __init__(self, connection: sa.Connection, asked: Asked, maker: Maker, pack: Pack) -> None:
        self._connection = connection
        self._asked = asked
        self._maker = maker
        self._pack = pack
        last = sa.select(SIGNED.c.note).order_by(SIGNED.c.size.desc()).limit(1)
        self._note: str | None = connection.execute(last).scalar()
        self._size = read(self._note).size if self._note else 0
        self._positions: set[int] = set()
        self._unplaced: dict[str, Line] = {}
        self._gaps: dict[str, list[str]] = {}
        self._masked: list[str] = []
        self._about: dict[str, list[str]] = {}
        self._numbers: set[int] = set()

    def make(self, ids: list[str]) -> Manifest:
        self._pack.add(README, README_TEXT)
        cover = self._cover()
        listed = [self._case(cover, id_, alone=len(ids) == 1 and not self._asked.is_period) for id_ in ids]
        counted = self._population(ids)
        if PAGE not in self._pack.files:
            gaps = [*self._gaps.get(PERIOD, []), *(f"{id_}: {gap}" for id_ in ids for gap in self._gaps.get(id_, []))]
            self._pack.add(PAGE, page.contents(cover, counted, listed, gaps))
        self._tree()
        return self._close(cover, counted, ids)

    def _cover(self) -> page.Cover:
        maker = self._maker
        key = str(maker.verifiers[-1]) if maker.verifiers else ""
        size = self._size if self._note else None
        return page.Cover(self._asked.words, maker.at, maker.by, maker.hub, maker.version, size, key)

    def _case(self, cover: page.Cover, id_: str, *, alone: bool) -> page.Listed:
        case = cases.read(self._connection, id_, self._size)
        self._masked += redact(case, self._maker.mask)
        self._about[id_] = [line.id for line in case.about]
        if case.gaps:
            self._gaps[id_] = case.gaps
        self._count(case)
        story = Story(case)
        self._pack.add(PAGE if alone else page_path(id_), page.tell(cover, story, "" if alone else "../../"))
        self._files(case)
        return page.listed(story)

    def _count(self, case: Case) -> None:
        for line in (*case.about, *case.beside):
            if line.position is not None and line.position < self._size:
                self._positions.add(line.position)
            else:
                self._unplaced[line.id] = line
        self._numbers |= {int(label.removeprefix("change/")) for label in case.rows if label.startswith("change/")}

    def _files(self, case: Case) -> None:
        for label, kept in case.rows.items():
            self._pack.add(row_path(label), kept)
        for delivery, body in case.bodies.items():
            self._pack.add(body_path(delivery), body)
        self._pack.add(plan_path(case.id), case.plan)

    def _population(self, ids: list[str]) -> Population:
        if not self._asked.is_period:
            return population.counted(range(0), ids, sorted(self._numbers))
        within = population.positions(self._connection, self._asked, self._size)
        numbers = population.changes(self._connection, self._asked)
        self._positions |= set(within)
        self._gaps[PERIOD] = list(self._left_out(numbers))
        return population.counted(within, ids, numbers)

    def _left_out(self, numbers: list[int]) -> Iterator[str]:
        unplaced = population.unplaced(self._connection, self._asked, self._size)
        if unplaced:
            yield f"{unplaced} entries of the period that have no place in the tree yet"
        missing = population.missing(numbers)
        if missing:
            yield f"changes whose numbers are missing in Firstline's own register: {', '.join(missing)}"
        others = [name(number) for number in numbers if number not in self._numbers]
        if others:
            yield f"the rows of changes that no remediation of the period opened: {', '.join(others)}"
        yield "the rows that entries of the period bind which are about no remediation begun in it"

    def _tree(self) -> None:
        """The entries, each with its proof against one checkpoint."""
        if self._note is None:
            self._gaps.setdefault(PERIOD, []).append("a checkpoint: none was signed yet, so nothing is proved")
        else:
            self._pack.add(CHECKPOINT, self._note.encode())
        self._pack.add(KEY, "".join(f"{verifier}\n" for verifier in self._maker.verifiers).encode())
        self._pack.stream(ENTRIES, (line.text.encode() + b"\n" for line in self._lines()))
        part = lru_cache(PARTS)(_Tiles(self._connection).part)
        self._pack.stream(PROOFS, (_proof(part, line, self._size) for line in self._lines()))
        unplaced = sorted(self._unplaced.values(), key=lambda line: line.id)
        self._pack.stream(UNPLACED, (line.text.encode() + b"\n" for line in unplaced))

    def _lines(self) -> Iterator[Line]:
        """In the order of their positions."""
        order = sorted(self._positions)
        for at in range(0, len(order), CHUNK):
            query = sa.select(LEDGER.c.id, LEDGER.c.position, LEDGER.c.entry)
            query = query.where(LEDGER.c.position.in_(order[at : at + CHUNK])).order_by(LEDGER.c.position)
            for row in self._connection.execute(query):
                yield Line(row.id, row.position, row.entry)

    def _close(self, cover: page.Cover, counted: Population, ids: list[str]) -> Manifest:
        manifest = Manifest(
            asked=cover.asked,
            made_at=cover.made_at,
            made_by=cover.made_by,
            hub=cover.hub,
            version=cover.version,
            remediations=ids,
            population=counted,
            gaps=self._gaps,
            masked=sorted(set(self._masked)),
            about=self._about,
            files=self._pack.files,
        )
        content = self._pack.close(manifest)
        if self._maker.signer is not None:
            self._pack.sign(sign(self._maker.signer, content))
        return manifest


class _Tiles(Tiles):
    """Those that were read last are remembered: entries that are exported together stand in few."""

    def __init__(self, connection: sa.Connection) -> None:
        super().__init__(connection)
        self._lately = lru_cache(TILES)(super().stored)

    def stored(self, level: int, number: int) -> list[bytes] | None:
        return self._lately(level, number)


def _proof(part: Callable[[int, int], bytes], line: Line, size: int) -> bytes:
    """`part` gives the root over a part of the tree."""
    if line.position is None:
        raise ValueError("an entry without a place has no proof")
    hashes = [part(begin, end).hex() for begin, end in inclusion_path(line.position, size)]
    return orjson.dumps({"id": line.id, "position": line.position, "proof": hashes}) + b"\n"
