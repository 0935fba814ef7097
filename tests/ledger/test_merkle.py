"""The tree is RFC 6962's: `rfc6962` is its section 2.1 word for word."""

import hashlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rfc6962 import LEAVES, MOST, audit_path, subproof, tiles, tree_hash

from ledger.proofs.merkle import (
    BLOCK,
    EMPTY_ROOT,
    Frontier,
    block_root,
    check_consistency,
    check_inclusion,
    consistency,
    frontier_of,
    inclusion,
    node,
    root_of,
)

SIZES = st.one_of(st.integers(1, 20), st.integers(1, 1500), st.sampled_from([256, 65_536, MOST]))

KNOWN_INPUTS = [
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]  # fmt: skip
KNOWN_LEAVES = [hashlib.sha256(b"\x00" + bytes.fromhex(each)).digest() for each in KNOWN_INPUTS]
KNOWN_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
"""The test vectors of the certificate-transparency code, for trees of one to eight leaves."""


def counted(reads):
    def hashes(level, start, end):
        reads.append(end - start)
        return tiles(level, start, end)

    return hashes


def flipped(some, byte=0):
    return some[:byte] + bytes([some[byte] ^ 1]) + some[byte + 1 :]


@st.composite
def places(draw):
    size = draw(SIZES)
    return draw(st.integers(0, size - 1)), size


@st.composite
def growths(draw):
    new = draw(SIZES)
    return draw(st.integers(1, new)), new


@pytest.mark.parametrize("size", range(1, 9))
def test_the_roots_are_those_that_certificate_transparency_publishes(size):
    assert Frontier().append(KNOWN_LEAVES[:size]).root().hex() == KNOWN_ROOTS[size - 1]
    assert block_root(KNOWN_LEAVES[:size]).hex() == KNOWN_ROOTS[size - 1]


def test_the_root_without_a_leaf_is_the_hash_of_nothing():
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert Frontier().root() == root_of(0, tiles) == block_root([]) == EMPTY_ROOT


@given(st.lists(st.integers(0, 700), max_size=5))
def test_a_frontier_grows_in_any_steps_to_the_same_root(steps):
    frontier = Frontier()

    for step in steps:
        frontier = frontier.append(LEAVES[frontier.size : frontier.size + step])

    assert frontier.size == sum(steps)
    assert frontier.root() == tree_hash(0, frontier.size)
    assert Frontier.from_bytes(frontier.size, frontier.to_bytes()) == frontier


@pytest.mark.parametrize(
    ("size", "stored"), [(3, b"x" * 32), (1, b""), (1, b"x" * 33), (2, b"x" * 31), (-1, b"x" * 32)]
)
def test_a_stored_frontier_that_does_not_fit_its_size_is_refused(size, stored):
    with pytest.raises(ValueError, match="frontier"):
        Frontier.from_bytes(size, stored)


def test_a_leaf_hash_of_another_length_is_refused():
    with pytest.raises(ValueError, match="leaf hash 1 has 31 bytes"):
        Frontier().append([LEAVES[0], LEAVES[1][:31]])


@pytest.mark.parametrize("count", [1, 2, 3, 100, 255, 256])
def test_a_block_has_the_root_of_a_tree_over_its_nodes(count):
    assert block_root(LEAVES[:count]) == tree_hash(0, count)


def test_a_block_holds_256_nodes():
    with pytest.raises(ValueError, match="257 nodes"):
        block_root(LEAVES[: BLOCK + 1])


@given(SIZES)
def test_the_root_of_the_tiles_is_the_tree_s(size):
    assert root_of(size, tiles) == tree_hash(0, size)


@given(places())
@example((0, 1))
@example((65_535, 65_536))
@example((65_536, MOST))
def test_an_inclusion_path_is_the_one_of_rfc_6962(place):
    index, size = place
    reads = []

    path = inclusion(index, size, counted(reads))

    assert path == audit_path(index, 0, size)
    assert check_inclusion(LEAVES[index], index, size, path, tree_hash(0, size))
    assert sum(reads) <= 6 * 256


@given(growths())
@example((1, 1))
@example((65_536, MOST))
@example((255, 65_536))
def test_a_consistency_proof_is_the_one_of_rfc_6962(growth):
    old, new = growth
    reads = []

    path = consistency(old, new, counted(reads))

    assert path == subproof(old, 0, new)
    assert check_consistency(old, tree_hash(0, old), new, tree_hash(0, new), path)
    assert sum(reads) <= 9 * 256


@given(places(), st.data())
def test_a_byte_changed_anywhere_breaks_an_inclusion_path(place, data):
    index, size = place
    path, root, leaf = audit_path(index, 0, size), tree_hash(0, size), LEAVES[index]
    byte = data.draw(st.integers(0, 31))

    assert not check_inclusion(flipped(leaf, byte), index, size, path, root)
    assert not check_inclusion(leaf, index, size, path, flipped(root, byte))
    for at in range(len(path)):
        wrong = [*path[:at], flipped(path[at], byte), *path[at + 1 :]]
        assert not check_inclusion(leaf, index, size, wrong, root)
        assert not check_inclusion(leaf, index, size, path[:at] + path[at + 1 :], root)
    assert not check_inclusion(leaf, index, size, [*path, leaf], root)


@given(places(), st.data())
def test_a_path_proves_its_leaf_at_no_other_place(place, data):
    index, size = place
    elsewhere = data.draw(st.integers(0, size - 1).filter(lambda at: at != index) | st.just(size))

    path = audit_path(index, 0, size)

    assert not check_inclusion(LEAVES[index], elsewhere, size, path, tree_hash(0, size))


@given(growths(), st.data())
def test_a_byte_changed_anywhere_breaks_a_consistency_proof(growth, data):
    old, new = growth
    path, before, after = subproof(old, 0, new), tree_hash(0, old), tree_hash(0, new)
    byte = data.draw(st.integers(0, 31))

    assert not check_consistency(old, flipped(before, byte), new, after, path)
    assert not check_consistency(old, before, new, flipped(after, byte), path)
    for at in range(len(path)):
        wrong = [*path[:at], flipped(path[at], byte), *path[at + 1 :]]
        assert not check_consistency(old, before, new, after, wrong)
        assert not check_consistency(old, before, new, after, path[:at] + path[at + 1 :])
    assert not check_consistency(old, before, new, after, [*path, before])


def test_the_empty_tree_begins_each_other_without_a_proof():
    root = tree_hash(0, 5)

    assert consistency(0, 5, tiles) == []
    assert check_consistency(0, EMPTY_ROOT, 5, root, [])
    assert check_consistency(0, EMPTY_ROOT, 0, EMPTY_ROOT, [])
    assert not check_consistency(0, root, 5, root, [])
    assert not check_consistency(0, EMPTY_ROOT, 5, root, [root])


def test_an_inner_node_is_no_leaf_of_a_larger_tree():
    inner, root = tree_hash(0, 4), tree_hash(0, 8)

    assert not check_inclusion(root, 0, 8, [], root)
    assert not check_inclusion(inner, 0, 8, [tree_hash(4, 8)], root)


def test_a_path_that_goes_on_above_the_root_proves_nothing():
    above = node(LEAVES[9], tree_hash(0, 4))
    path = [*audit_path(2, 0, 4), LEAVES[9]]

    assert not check_inclusion(LEAVES[2], 2, 4, path, above)
    assert not check_inclusion(LEAVES[0], 0, 1, [LEAVES[9]], node(LEAVES[9], LEAVES[0]))


def test_a_growth_is_not_proven_by_roots_of_other_sizes():
    path = [*subproof(3, 0, 4), LEAVES[9]]
    before, after = (node(LEAVES[9], tree_hash(0, size)) for size in (3, 4))

    assert not check_consistency(3, before, 4, after, path)
    assert not check_consistency(2, tree_hash(0, 2), 8, tree_hash(0, 4), subproof(2, 0, 4))
    assert not check_consistency(3, before, 4, after, [])


WILD_HASHES = st.binary(max_size=40) | st.binary(min_size=32, max_size=32)
WILD_SIZES = st.integers(-3, 9) | st.integers()


@given(WILD_SIZES, WILD_SIZES, WILD_HASHES, WILD_HASHES, st.lists(WILD_HASHES, max_size=70))
def test_whatever_is_checked_nothing_is_raised(one, other, first, second, path):
    alone = one == 0 and other == 1 and first == second and not path
    same = one == other and first == second and not path

    assert check_inclusion(first, one, other, path, second) in {False, alone}
    assert check_consistency(one, first, other, second, path) in {False, same}


@pytest.mark.parametrize(("index", "size"), [(-1, 5), (5, 5), (0, 0)])
def test_a_leaf_outside_the_tree_has_no_path(index, size):
    with pytest.raises(ValueError, match="has none with number"):
        inclusion(index, size, tiles)


@pytest.mark.parametrize(("old", "new"), [(-1, 5), (6, 5)])
def test_a_larger_tree_begins_no_smaller_one(old, new):
    with pytest.raises(ValueError, match="begins none"):
        consistency(old, new, tiles)


def test_nodes_that_are_missing_are_told():
    with pytest.raises(ValueError, match="nodes 256 to 299 of tile level 0 are not all there"):
        inclusion(270, 300, lambda level, start, end: tiles(level, start, min(end, 290)))


@given(st.integers(0, 2_000))
@example(65_536)
@example(66_333)
def test_a_frontier_is_found_in_the_tiles_too(size):
    assert frontier_of(size, tiles) == Frontier().append(LEAVES[:size])
