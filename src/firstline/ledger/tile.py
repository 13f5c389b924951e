"""The tree as it is stored: hashes of leaves with the entries, and whole tiles (C2SP tlog-tiles) above them."""

from collections.abc import Iterable

import sqlalchemy as sa

from firstline.ledger.frontier import WIDTH, Frontier, Tile
from firstline.ledger.tree import SIZE, inclusion_path, root
from firstline.store.table import LEDGER, TILE


class Tiles:
    """Reads parts of the tree in one transaction. What was computed of whole tiles is remembered, so that many proofs
    cost little more than one."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._roots: dict[tuple[int, int], bytes] = {}

    def prove(self, index: int, size: int) -> list[bytes]:
        """Proves the entry at a position to be in the tree of the first `size` entries: for
        `firstline.ledger.tree.verify_inclusion`."""
        return [self.part(begin, end) for begin, end in inclusion_path(index, size)]

    def root(self, size: int) -> bytes:
        return self.part(0, size)

    def part(self, begin: int, end: int) -> bytes:
        """The root over the entries from `begin` to before `end`: parts as proofs have them, or whole trees."""
        level = _level(end - begin)
        unit = WIDTH**level
        hashes = self._hashes(level, begin // unit, end // unit)
        rest = end // unit * unit
        return root([*hashes, self.part(rest, end)] if rest < end else hashes)

    def frontier(self, size: int) -> Frontier:
        """To go on with the tree of the first `size` entries."""
        found = Frontier(size)
        at = 0
        for bit in reversed(range(size.bit_length())):
            if size >> bit & 1:
                found.peaks.append(self.part(at, at + (1 << bit)))
                at += 1 << bit
        while (count := size // WIDTH ** len(found.rows)) > 0:
            found.rows.append(self._hashes(len(found.rows), count - count % WIDTH, count))
        return found

    def _hashes(self, level: int, begin: int, end: int) -> list[bytes]:
        """Hashes of a level that stand in one tile, whole or not."""
        if begin == end:
            return []
        first = begin - begin % WIDTH
        found = self.stored(level, begin // WIDTH)
        if found is None:
            below = (self._above(level - 1, number) for number in range(first, end))
            found = self._leaves(first, end) if level == 0 else list(below)
        return found[begin - first : end - first]

    def _above(self, level: int, number: int) -> bytes:
        """The root over a whole tile."""
        if (level, number) not in self._roots:
            self._roots[level, number] = root(self._hashes(level, number * WIDTH, (number + 1) * WIDTH))
        return self._roots[level, number]

    def stored(self, level: int, number: int) -> list[bytes] | None:
        """The hashes of a whole tile."""
        query = sa.select(TILE.c.hashes).where(TILE.c.level == level, TILE.c.number == number)
        hashes = self._connection.execute(query).scalar()
        return None if hashes is None else split(bytes(hashes))

    def _leaves(self, begin: int, end: int) -> list[bytes]:
        query = sa.select(LEDGER.c.hash).where(LEDGER.c.position >= begin, LEDGER.c.position < end)
        return [bytes(each or b"") for each in self._connection.execute(query.order_by(LEDGER.c.position)).scalars()]


def split(hashes: bytes) -> list[bytes]:
    return [hashes[at : at + SIZE] for at in range(0, len(hashes), SIZE)]


def keep(connection: sa.Connection, tiles: Iterable[Tile]) -> None:
    rows = [{"level": tile.level, "number": tile.number, "hashes": tile.hashes} for tile in tiles]
    if rows:
        connection.execute(sa.insert(TILE), rows)


def _level(count: int) -> int:
    """The highest level of which one hash is over no more than so many leaves."""
    return max(0, (count.bit_length() - 1) // 8)
