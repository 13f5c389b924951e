"""The Merkle tree: known roots and proofs, and laws that hold for trees of any size."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstline.ledger import tree

# The leaves and roots that implementations of Certificate Transparency test each other with; by the tree's size.
ENTRIES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAVES = [tree.leaf_hash(bytes.fromhex(entry)) for entry in ENTRIES]

sizes = st.integers(1, 600)


def leaves(count: int) -> list[bytes]:
    return [tree.leaf_hash(b"%d" % number) for number in range(count)]


def by_the_rfc(hashes: list[bytes]) -> bytes:
    """MTH as RFC 6962, 2.1, defines it."""
    if len(hashes) <= 1:
        return hashes[0] if hashes else sha256().digest()
    split = max(power for power in (1 << n for n in range(20)) if power < len(hashes))
    return sha256(b"\x01" + by_the_rfc(hashes[:split]) + by_the_rfc(hashes[split:])).digest()


@pytest.mark.parametrize("size", range(9))
def test_the_known_roots_are_found(size: int) -> None:
    assert tree.root(LEAVES[:size]).hex() == ROOTS[size]


def test_a_known_proof_of_inclusion_is_found() -> None:
    """RFC 6962, 2.1.3: in a tree of seven, d0 is proved by [b, h, l]."""
    b, h, l = LEAVES[1], tree.root(LEAVES[2:4]), tree.root(LEAVES[4:7])  # noqa: E741 - the RFC's names
    assert tree.inclusion_proof(LEAVES[:7], 0) == [b, h, l]


def test_known_proofs_of_consistency_are_found() -> None:
    """RFC 6962, 2.1.3: in a tree of seven, [c, d, g, l], [l] and [i, j, k] prove those of three, four and six."""
    c, d, g, l = LEAVES[2], LEAVES[3], tree.root(LEAVES[0:2]), tree.root(LEAVES[4:7])  # noqa: E741
    i, j, k = tree.root(LEAVES[4:6]), LEAVES[6], tree.root(LEAVES[0:4])
    assert tree.consistency_proof(LEAVES[:7], 3) == [c, d, g, l]
    assert tree.consistency_proof(LEAVES[:7], 4) == [l]
    assert tree.consistency_proof(LEAVES[:7], 6) == [i, j, k]


@given(sizes)
def test_the_root_is_that_of_the_rfc(size: int) -> None:
    assert tree.root(leaves(size)) == by_the_rfc(leaves(size))


@given(sizes, st.data())
def test_each_leaf_is_proved_and_no_other_in_its_place(size: int, data: st.DataObject) -> None:
    index, other = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size - 1))
    row = leaves(size)
    proof = tree.inclusion_proof(row, index)
    assert tree.verify_inclusion(row[index], index, size, proof, tree.root(row))
    assert tree.verify_inclusion(row[other], index, size, proof, tree.root(row)) == (other == index)


@given(sizes, st.data())
def test_a_proof_that_was_changed_proves_nothing(size: int, data: st.DataObject) -> None:
    row = leaves(size)
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    found = tree.root(row)

    def included(proof: list[bytes]) -> bool:
        return tree.verify_inclusion(row[index], index, size, proof, found)

    def consistent(proof: list[bytes]) -> bool:
        return tree.verify_consistency(old, tree.root(row[:old]), size, found, proof)

    proofs = [(tree.inclusion_proof(row, index), included), (tree.consistency_proof(row, old), consistent)]
    for proof, verify in proofs:
        assert verify(proof)
        assert not verify([*proof, found])
        if proof:
            place = data.draw(st.integers(0, len(proof) - 1))
            assert not verify([*proof[:place], sha256(proof[place]).digest(), *proof[place + 1 :]])
            assert not verify(proof[:-1])


@given(sizes, st.data())
def test_a_tree_whose_past_was_rewritten_is_not_consistent(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, size))
    edited = data.draw(st.integers(0, old - 1))
    row, now = leaves(size), leaves(size)
    now[edited] = tree.leaf_hash(b"another story")
    proof = tree.consistency_proof(now, old)
    assert not tree.verify_consistency(old, tree.root(row[:old]), size, tree.root(now), proof)


def test_every_tree_begins_with_the_empty_one() -> None:
    assert tree.verify_consistency(0, tree.EMPTY, 3, bytes.fromhex(ROOTS[3]), [])
    assert not tree.verify_consistency(0, LEAVES[0], 3, bytes.fromhex(ROOTS[3]), [])
    assert not tree.verify_consistency(0, tree.EMPTY, 0, LEAVES[0], [])
    assert not tree.verify_consistency(4, bytes.fromhex(ROOTS[4]), 3, bytes.fromhex(ROOTS[3]), [])


def test_a_leaf_outside_the_tree_has_no_proof() -> None:
    with pytest.raises(ValueError, match="no leaf 8"):
        tree.inclusion_proof(LEAVES, 8)
    assert not tree.verify_inclusion(LEAVES[0], 8, 8, [], LEAVES[0])
