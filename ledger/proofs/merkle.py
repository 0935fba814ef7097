"""Computes the Merkle tree over leaf hashes and its proofs (RFC 6962, section 2.1).

Leaves arrive hashed (`entries.leaf_hash`). Two things keep it cheap however long the history is:
a `Frontier` holds no more of a tree than what can still grow, and proofs read tiles: node `i` of
tile level `n` is the root of the 256**n leaves from `i * 256**n` on; level 0 are the leaves
(C2SP `tlog-tiles`, "Merkle Tree").
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

HASH_BYTES = 32

BLOCK = 256
"""Nodes of a full tile; the root of a full tile is one node of the level above."""

_BLOCK_BITS = 8

EMPTY_ROOT = sha256().digest()
"""The root of the tree without a leaf."""

Hashes = Callable[[int, int, int], Sequence[bytes]]
"""Returns nodes `start` to `end - 1` of a tile level, given level, start and end."""


def node(left: bytes, right: bytes) -> bytes:
    """Return the hash over two subtrees (RFC 6962, section 2.1)."""
    return sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """What of a tree suffices to go on: the roots of its perfect subtrees, the largest first.

    There is one for each bit that is set in `size`. Raises ValueError where that is not so.
    """

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.hashes) != self.size.bit_count():
            raise ValueError(f"{len(self.hashes)} hashes are no frontier of {self.size} leaves")
        if any(len(each) != HASH_BYTES for each in self.hashes):
            raise ValueError(f"a hash of a frontier has not {HASH_BYTES} bytes")

    def append(self, leaves: Iterable[bytes]) -> "Frontier":
        """Return the frontier with more leaf hashes. Raises ValueError for one not of 32 bytes."""
        hashes, size = list(self.hashes), self.size
        pop, push = hashes.pop, hashes.append
        for leaf in leaves:
            if len(leaf) != HASH_BYTES:
                raise ValueError(f"leaf hash {size} has {len(leaf)} bytes, not {HASH_BYTES}")
            made, merging = leaf, size
            while merging & 1:
                made = sha256(b"\x01" + pop() + made).digest()
                merging >>= 1
            push(made)
            size += 1
        return Frontier(size, tuple(hashes))

    def root(self) -> bytes:
        """Return the root of the tree."""
        if not self.hashes:
            return EMPTY_ROOT
        *lefts, root = self.hashes
        for left in reversed(lefts):
            root = node(left, root)
        return root

    def to_bytes(self) -> bytes:
        """Return the hashes, one after the other; the size is kept beside them."""
        return b"".join(self.hashes)

    @classmethod
    def from_bytes(cls, size: int, stored: bytes) -> "Frontier":
        """Return what `to_bytes` stored. Raises ValueError where it does not fit `size`."""
        return cls(
            size,
            tuple(stored[at : at + HASH_BYTES] for at in range(0, len(stored), HASH_BYTES)),
        )


def block_root(hashes: Sequence[bytes]) -> bytes:
    """Return the root over at most 256 nodes of one level. Raises ValueError for more."""
    if len(hashes) > BLOCK:
        raise ValueError(f"{len(hashes)} nodes are more than a block of {BLOCK}")
    if not hashes:
        return EMPTY_ROOT
    level = list(hashes)
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=False)
        alone = level[-1:] if len(level) % 2 else []
        level = [sha256(b"\x01" + left + right).digest() for left, right in pairs] + alone
    return level[0]


def root_of(size: int, hashes: Hashes) -> bytes:
    """Return the root of the tree over the first `size` leaves, from its tiles.

    Raises ValueError where `hashes` does not return what it was asked for.
    """
    return _Tree(size, hashes).root(0, size) if size else EMPTY_ROOT


def frontier_of(size: int, hashes: Hashes) -> Frontier:
    """Return the frontier of the tree over the first `size` leaves, from its tiles.

    Raises ValueError where `hashes` does not return what it was asked for.
    """
    tree, start = _Tree(size, hashes), 0
    found = []
    for bit in reversed(range(size.bit_length())):
        width = size & (1 << bit)
        if width:
            found.append(tree.root(start, start + width))
            start += width
    return Frontier(size, tuple(found))


def inclusion(index: int, size: int, hashes: Hashes) -> list[bytes]:
    """Return the path that proves leaf `index` in the tree over `size` leaves.

    RFC 6962, section 2.1.1; the leaf's sibling first. Raises ValueError where there is no such
    leaf, or where `hashes` does not return what it was asked for.
    """
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has none with number {index}")
    tree, start, end = _Tree(size, hashes), 0, size
    path = []
    while end - start > 1:
        middle = _split(start, end)
        if index < middle:
            path.append(tree.root(middle, end))
            end = middle
        else:
            path.append(tree.root(start, middle))
            start = middle
    return path[::-1]


def consistency(old: int, new: int, hashes: Hashes) -> list[bytes]:
    """Return the proof that the tree over `old` leaves begins the one over `new` leaves.

    RFC 6962, section 2.1.2; empty where `old` is 0 or `new`. Raises ValueError where `old` is
    the larger one, or where `hashes` does not return what it was asked for.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {old} leaves begins none of {new}")
    if old == 0:
        return []
    tree, start, end = _Tree(new, hashes), 0, new
    path = []
    while end != old:
        middle = _split(start, end)
        if old <= middle:
            path.append(tree.root(middle, end))
            end = middle
        else:
            path.append(tree.root(start, middle))
            start = middle
    if start > 0:
        path.append(tree.root(start, end))
    return path[::-1]


def _split(start: int, end: int) -> int:
    """Return where RFC 6962 parts a range: after the most leaves that are a power of two."""
    return start + (1 << ((end - start - 1).bit_length() - 1))


class _Tree:
    """Reads a tree's subtrees from its tiles, each tile once."""

    def __init__(self, size: int, hashes: Hashes) -> None:
        """Begin with no tile."""
        self._size = size
        self._hashes = hashes
        self._tiles: dict[tuple[int, int], Sequence[bytes]] = {}

    def root(self, start: int, end: int) -> bytes:
        """Return the root over leaves `start` to `end - 1`, a subtree of this tree."""
        width = end - start
        if width & (width - 1):
            middle = _split(start, end)
            return node(self.root(start, middle), self.root(middle, end))
        level = (width.bit_length() - 1) // _BLOCK_BITS
        bits = _BLOCK_BITS * level
        return block_root(self._row(level, start >> bits, width >> bits))

    def _row(self, level: int, start: int, count: int) -> Sequence[bytes]:
        """Return some nodes of one tile: a perfect subtree never crosses its tile's edge."""
        tile, first = divmod(start, BLOCK)
        if (level, tile) not in self._tiles:
            self._tiles[level, tile] = self._read(level, tile * BLOCK)
        return self._tiles[level, tile][first : first + count]

    def _read(self, level: int, start: int) -> Sequence[bytes]:
        end = min(start + BLOCK, self._size >> (_BLOCK_BITS * level))
        found = self._hashes(level, start, end)
        if len(found) != end - start or any(len(each) != HASH_BYTES for each in found):
            raise ValueError(f"nodes {start} to {end - 1} of tile level {level} are not all there")
        return found


def check_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Say whether `path` proves the leaf hash at `index` in the tree of that size and root.

    RFC 9162, section 2.1.3.2. Returns False, and never raises, whatever it is given.
    """
    if not (0 <= index < size and _are_hashes(leaf, root, *path)):
        return False
    at, last, made = index, size - 1, leaf
    for each in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            made = node(each, made)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            made = node(made, each)
        at, last = at >> 1, last >> 1
    return last == 0 and made == root


def check_consistency(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, path: Sequence[bytes]
) -> bool:
    """Say whether `path` proves that the old tree begins the new one.

    RFC 9162, section 2.1.4.2; the empty tree begins each, with no proof. Returns False, and
    never raises, whatever it is given.
    """
    if not (0 <= old_size <= new_size and _are_hashes(old_root, new_root, *path)):
        return False
    if old_size == new_size:
        return not path and old_root == new_root
    if old_size == 0:
        return not path and old_root == EMPTY_ROOT
    rest = list(path) if old_size & (old_size - 1) else [old_root, *path]
    if not rest:
        return False
    at, last = old_size - 1, new_size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = rest[0]
    for each in rest[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old, new = node(each, old), node(each, new)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            new = node(new, each)
        at, last = at >> 1, last >> 1
    return last == 0 and old == old_root and new == new_root


def _are_hashes(*given: bytes) -> bool:
    return all(len(each) == HASH_BYTES for each in given)
