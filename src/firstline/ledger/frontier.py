"""The right edge of a growing tree: all that is needed to go on with it. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from firstline.ledger.tree import EMPTY, node_hash

HEIGHT = 8  # of a tile, as C2SP's tlog-tiles have it
WIDTH = 1 << HEIGHT  # hashes of a whole tile


@dataclass(frozen=True)
class Tile:
    """A whole tile: `WIDTH` hashes, each the root over `WIDTH ** level` leaves."""

    level: int
    number: int
    hashes: bytes


@dataclass
class Frontier:
    """`peaks` are the roots of the largest whole subtrees, from the left; `rows` the hashes that stand, by level, in
    tiles which are not whole yet."""

    size: int = 0
    peaks: list[bytes] = field(default_factory=list)
    rows: list[list[bytes]] = field(default_factory=list)

    @property
    def root(self) -> bytes:
        if not self.peaks:
            return EMPTY
        found = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            found = node_hash(peak, found)
        return found

    def copy(self) -> "Frontier":
        return Frontier(self.size, self.peaks[:], [row[:] for row in self.rows])

    def extend(self, leaves: Iterable[bytes]) -> list[Tile]:
        """Append the hashes of leaves; gives the tiles that became whole by them, those below first."""
        return [tile for leaf in leaves for tile in self.append(leaf)]

    def append(self, leaf: bytes) -> list[Tile]:
        whole, node, height = self._keep(0, leaf), leaf, 0
        while self.size >> height & 1:
            node, height = node_hash(self.peaks.pop(), node), height + 1
            if height % HEIGHT == 0:
                whole += self._keep(height // HEIGHT, node)
        self.peaks.append(node)
        self.size += 1
        return whole

    def _keep(self, level: int, node: bytes) -> list[Tile]:
        if level == len(self.rows):
            self.rows.append([])
        row = self.rows[level]
        row.append(node)
        if len(row) < WIDTH:
            return []
        self.rows[level] = []
        return [Tile(level, self.size // WIDTH ** (level + 1), b"".join(row))]
