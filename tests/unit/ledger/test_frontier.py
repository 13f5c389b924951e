"""The right edge of the tree: it grows to the same root as the whole, and gives each tile once."""

from hypothesis import given
from hypothesis import strategies as st

from firstline.ledger import tree
from firstline.ledger.frontier import WIDTH, Frontier, Tile

LEAVES = [tree.leaf_hash(b"%d" % number) for number in range(WIDTH * WIDTH + 300)]


@given(st.lists(st.integers(0, 400), max_size=5))
def test_its_root_is_that_of_the_whole_tree_after_each_batch(batches: list[int]) -> None:
    frontier, size = Frontier(), 0
    for batch in batches:
        frontier.extend(LEAVES[size : size + batch])
        size += batch
        assert (frontier.size, frontier.root) == (size, tree.root(LEAVES[:size]))


def test_tiles_are_given_once_when_they_are_whole() -> None:
    tiles = Frontier().extend(LEAVES)
    assert [(tile.level, tile.number) for tile in tiles] == [*((0, number) for number in range(256)), (1, 0), (0, 256)]
    assert tiles[3] == Tile(0, 3, b"".join(LEAVES[3 * WIDTH : 4 * WIDTH]))
    assert tiles[256].hashes[32:64] == tree.root(LEAVES[WIDTH : 2 * WIDTH])


def test_a_copy_goes_its_own_way() -> None:
    frontier = Frontier()
    frontier.extend(LEAVES[:300])
    frontier.copy().extend(LEAVES[300:700])
    assert (frontier.size, frontier.root) == (300, tree.root(LEAVES[:300]))
