"""The Merkle tree of RFC 6962, section 2.1, word for word, over 70,000 entries made up here."""

import hashlib
from functools import cache

MOST = 70_000
ENTRIES = [b"entry %d" % number for number in range(MOST)]
LEAVES = [hashlib.sha256(b"\x00" + entry).digest() for entry in ENTRIES]


def left_of(size):
    """The largest power of two smaller than `size`."""
    left = 1
    while left * 2 < size:
        left *= 2
    return left


@cache
def tree_hash(start, end):
    """MTH(D[start:end])."""
    if start == end:
        return hashlib.sha256(b"").digest()
    if end - start == 1:
        return LEAVES[start]
    middle = start + left_of(end - start)
    return hashlib.sha256(b"\x01" + tree_hash(start, middle) + tree_hash(middle, end)).digest()


def audit_path(m, start, end):
    """PATH(m, D[start:end])."""
    if end - start == 1:
        return []
    k = left_of(end - start)
    if m < k:
        return [*audit_path(m, start, start + k), tree_hash(start + k, end)]
    return [*audit_path(m - k, start + k, end), tree_hash(start, start + k)]


def subproof(m, start, end, *, whole=True):
    """SUBPROOF(m, D[start:end], whole)."""
    if m == end - start:
        return [] if whole else [tree_hash(start, end)]
    k = left_of(end - start)
    if m <= k:
        return [*subproof(m, start, start + k, whole=whole), tree_hash(start + k, end)]
    return [*subproof(m - k, start + k, end, whole=False), tree_hash(start, start + k)]


def tiles(level, start, end):
    width = 256**level
    return [tree_hash(number * width, (number + 1) * width) for number in range(start, end)]
