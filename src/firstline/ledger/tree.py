"""The Merkle tree of RFC 6962, section 2.1. Pure; hashes are 32 bytes of SHA-256.

What a proof consists of are roots of parts of the tree. `inclusion_path` and `consistency_path` name these parts by
their first leaf and the one after their last; the hashes may come from a list of leaves, as in `inclusion_proof` and
`consistency_proof`, or from tiles (`firstline.ledger.tile`)."""

from collections.abc import Sequence
from hashlib import sha256

Part = tuple[int, int]

EMPTY = sha256().digest()  # the root of a tree without leaves
SIZE = 32  # bytes of a hash


def leaf_hash(entry: bytes) -> bytes:
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def root(hashes: Sequence[bytes]) -> bytes:
    """The root over leaves, or over the roots of subtrees of one size of which all but the last are whole."""
    if not hashes:
        return EMPTY
    row = hashes
    while len(row) > 1:
        row = _pairs(row)
    return row[0]


def _pairs(row: Sequence[bytes]) -> list[bytes]:
    """The row above. A hash without a partner goes up as it is: the recursion of the RFC gives the same tree."""
    above = [node_hash(left, right) for left, right in zip(row[::2], row[1::2], strict=False)]
    return [*above, row[-1]] if len(row) % 2 else above


def inclusion_path(index: int, size: int) -> list[Part]:
    """The parts that prove the leaf `index` in a tree of `size` leaves, from the leaf upwards."""
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    return _path(index, 0, size)


def _path(index: int, begin: int, end: int) -> list[Part]:
    if end - begin == 1:
        return []
    middle = begin + _split(end - begin)
    if index < middle:
        return [*_path(index, begin, middle), (middle, end)]
    return [*_path(index, middle, end), (begin, middle)]


def consistency_path(old: int, new: int) -> list[Part]:
    """The parts that prove the tree of `old` leaves to be the beginning of the tree of `new` leaves."""
    if not 0 < old <= new:
        raise ValueError(f"nothing proves {old} leaves to be the beginning of {new}")
    return _prefix(old, 0, new, whole=True)


def _prefix(old: int, begin: int, end: int, *, whole: bool) -> list[Part]:
    """`whole`: the part that ends at `old` is the old tree itself, whose root is known to who verifies."""
    if old == end:
        return [] if whole else [(begin, end)]
    middle = begin + _split(end - begin)
    if old <= middle:
        return [*_prefix(old, begin, middle, whole=whole), (middle, end)]
    return [*_prefix(old, middle, end, whole=False), (begin, middle)]


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Proves the leaf `index` in the tree of these leaves' hashes."""
    return [root(leaves[begin:end]) for begin, end in inclusion_path(index, len(leaves))]


def consistency_proof(leaves: Sequence[bytes], old: int) -> list[bytes]:
    """Proves the tree of the first `old` leaves to be the beginning of the tree of all."""
    return [root(leaves[begin:end]) for begin, end in consistency_path(old, len(leaves))]


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """True when the proof leads from the leaf's hash to the root of the tree of `size` leaves."""
    if not 0 <= index < size:
        return False
    path = inclusion_path(index, size)
    if len(path) != len(proof):
        return False
    found = leaf
    for (begin, _), other in zip(path, proof, strict=True):
        found = node_hash(other, found) if begin <= index else node_hash(found, other)
    return found == root


def verify_consistency(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """True when the proof shows that the tree of `new` leaves begins with that of `old` leaves. Every tree begins with
    the empty one."""
    if old == new:
        return old_root == new_root and not proof
    if not 0 < old < new:
        return old == 0 and old_root == EMPTY and not proof
    path = consistency_path(old, new)
    if len(path) != len(proof):
        return False
    hashes = dict(zip(path, proof, strict=True))
    if old & (old - 1) == 0:  # the old tree is a part of the new one, so the proof leaves its root out
        hashes[0, old] = old_root
    return _rebuilt(0, old, hashes) == old_root and _rebuilt(0, new, hashes) == new_root


def _rebuilt(begin: int, end: int, hashes: dict[Part, bytes]) -> bytes:
    """The root of a part, put together from those of its parts."""
    if (begin, end) in hashes:
        return hashes[begin, end]
    middle = begin + _split(end - begin)
    return node_hash(_rebuilt(begin, middle, hashes), _rebuilt(middle, end, hashes))
