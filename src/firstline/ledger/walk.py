"""A walk along all entries, which builds their tree anew and holds it against what is stored and what was signed."""

from typing import Any

import orjson
import sqlalchemy as sa

from firstline.ledger.bound import Bound
from firstline.ledger.claim import Claims
from firstline.ledger.finding import Findings
from firstline.ledger.frontier import WIDTH, Frontier, Tile
from firstline.ledger.tile import Tiles, split
from firstline.ledger.tree import SIZE, leaf_hash
from firstline.store.table import LEDGER, TILE

AT_ONCE = 1000  # rows

_ENTRIES = sa.select(LEDGER.c.position, LEDGER.c.id, LEDGER.c.subject, LEDGER.c.entry, LEDGER.c.hash)
_PLACED = _ENTRIES.where(LEDGER.c.position.is_not(None)).order_by(LEDGER.c.position, LEDGER.c.id)
_WAITING = _ENTRIES.where(LEDGER.c.position.is_(None)).order_by(LEDGER.c.id)


class Walk:
    """The tree is built of the hashes that stand with the entries: an entry whose text was edited is one finding then,
    and not also one of each checkpoint after it."""

    def __init__(self, connection: sa.Connection, claims: Claims, bound: Bound, findings: Findings) -> None:
        self._connection = connection
        self._claims = claims
        self._bound = bound
        self._findings = findings
        self._tiles = Tiles(connection)
        self._frontier = Frontier()
        self._uncovered = 0

    def go(self) -> int:
        """Walk to the end; gives how many entries have a place in the tree."""
        for position, id_, subject, text, kept in self._stream(_PLACED):
            self._read(id_, subject, text, f"entry {position}")
            self._put(position, id_, text, kept)
        self._claims.tell(self._frontier.size, self._findings)
        self._tell_needless_tiles()
        return self._frontier.size

    def rest(self) -> int:
        """What has no place yet binds rows as well; gives how many entries that are."""
        count = 0
        for _, id_, subject, text, kept in self._stream(_WAITING):
            if kept is not None:
                self._findings.tell(LEDGER.name, id_, "has lost its place: its hash is there, its position is not")
            self._read(id_, subject, text, f"entry {id_} (without a place yet)")
            count += 1
        return count

    def _stream(self, query: sa.Select[Any]) -> Any:
        return self._connection.execution_options(yield_per=AT_ONCE).execute(query)

    def _read(self, id_: str, subject: str, text: str, named: str) -> None:
        try:
            entry = orjson.loads(text)
            same = (entry["id"], entry["subject"]) == (id_, subject)
            self._bound.bind(entry["rows"], f"{named} ({entry['act']})")
        except (ValueError, TypeError, KeyError, AttributeError):
            self._findings.tell(LEDGER.name, id_, f"is no entry that can be read ({named})")
            return
        if not same:
            self._findings.tell(LEDGER.name, id_, f"has another id or subject than its text ({named})")

    def _put(self, position: int, id_: str, text: str, kept: bytes | None) -> None:
        if position >= self._claims.top:
            self._uncovered += 1
            if self._uncovered == 1:
                self._findings.tell(LEDGER.name, id_, f"is entry {position}: no checkpoint covers it, nor what follows")
        elif position < self._frontier.size:
            self._findings.tell(LEDGER.name, id_, f"stands at position {position}, where another entry stands")
        else:
            self._fill(position)
            leaf = leaf_hash(text.encode())
            if kept is None or bytes(kept) != leaf:
                self._findings.tell(
                    LEDGER.name, id_, f"was edited: entry {position} had another text when it was placed"
                )
            self._append(bytes(kept or leaf))

    def _fill(self, position: int) -> None:
        """Entries are missing. The hashes of those in whole tiles are known all the same."""
        while self._frontier.size < position:
            number, place = divmod(self._frontier.size, WIDTH)
            what = f"entry {self._frontier.size} was removed, or moved to another position"
            self._findings.tell(LEDGER.name, "", what)
            tile = self._tiles.stored(0, number) or []
            self._append(tile[place] if place < len(tile) else bytes(SIZE))

    def _append(self, leaf: bytes) -> None:
        for tile in self._frontier.append(leaf):
            self._compare(tile)
        self._claims.hold(self._frontier)

    def _compare(self, tile: Tile) -> None:
        named = f"{tile.level}/{tile.number}"
        stored, built = self._tiles.stored(tile.level, tile.number), split(tile.hashes)
        if stored is None:
            self._findings.tell(TILE.name, named, "was removed")
        elif stored != built:
            place = next((n for n, pair in enumerate(zip(stored, built, strict=False)) if pair[0] != pair[1]), 0)
            of = "entry" if tile.level == 0 else f"tile {tile.level - 1}/"
            what = f"does not have the hash of {of} {tile.number * WIDTH + place}: one of the two was edited"
            self._findings.tell(TILE.name, named, what)

    def _tell_needless_tiles(self) -> None:
        for level, number in self._connection.execute(sa.select(TILE.c.level, TILE.c.number)):
            if number < 0 or (number + 1) * WIDTH ** (level + 1) > self._frontier.size:
                self._findings.tell(TILE.name, f"{level}/{number}", "was put in: there are no entries for it")
