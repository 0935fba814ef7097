"""Compares the roots of full blocks, from which proofs are made, with the leaves they are of."""

from collections.abc import Iterator

from sqlalchemy import Connection, func, select

from ledger.proofs.merkle import BLOCK, HASH_BYTES, block_root
from ledger.replaying.walking import Flaws
from ledger.storage.tables import CHECKPOINT, SUBTREE

_HIGHEST = 8
"""The level of which one block has more events than any database counts."""

_CHANGED = "what proofs are made from was changed there"


class BlockRoots:
    """The roots of full blocks as a walk finds them, by level and number.

    A block in which an event is wrong has none: that event is what is told.
    """

    def __init__(self, done: int) -> None:
        """Begin with the first full block behind `done` events."""
        self._first = -(-done // BLOCK)
        self._roots: dict[tuple[int, int], bytes] = {}
        self._block = 0
        self._leaves: list[bytes] = []

    def add(self, position: int, leaf: bytes | None) -> None:
        """Take the leaf hash that an event keeps; None where it is wrong."""
        block, place = divmod(position - 1, BLOCK)
        if block != self._block:
            self._block = block
            self._leaves.clear()
        if leaf is not None and len(leaf) == HASH_BYTES and place == len(self._leaves):
            self._leaves.append(leaf)
            if len(self._leaves) == BLOCK and block >= self._first:
                self._roots[1, block] = block_root(self._leaves)

    def compare(self, connection: Connection, flaws: Flaws) -> None:
        """Note each root that the ledger keeps and should not, or does not and should."""
        self._raise()
        sealed = connection.execute(select(func.max(CHECKPOINT.c.size))).scalar() or 0
        query = select(SUBTREE.c.level, SUBTREE.c.number, SUBTREE.c.hash)
        missing = {place for place in self._roots if _end(*place) <= sealed}
        for level, number, root in connection.execute(query):
            missing.discard((level, number))
            known = self._roots.get((level, number))
            known_level = 1 <= level <= _HIGHEST and number >= 0
            if not known_level or _end(level, number) > sealed:
                flaws.add(sealed + 1, "a proof could be made of what no checkpoint is over")
            elif known is not None and known != root:
                flaws.add(_end(level, number - 1) + 1, _CHANGED)
        for level, number in sorted(missing):
            flaws.add(_end(level, number - 1) + 1, "what proofs are made from is missing there")

    def _raise(self) -> None:
        """Compute the levels above from the roots of the first."""
        level, below = 1, {number for _, number in self._roots}
        while below:
            full = {number // BLOCK for number in below if number % BLOCK == BLOCK - 1}
            for number in full:
                roots = list(self._below(level, number))
                if len(roots) == BLOCK:
                    self._roots[level + 1, number] = block_root(roots)
            level, below = (
                level + 1,
                {number for number in full if (level + 1, number) in self._roots},
            )

    def _below(self, level: int, number: int) -> Iterator[bytes]:
        for each in range(number * BLOCK, (number + 1) * BLOCK):
            if (level, each) in self._roots:
                yield self._roots[level, each]


def _end(level: int, number: int) -> int:
    """Return the position of the last event of a block."""
    return int((number + 1) * BLOCK**level)
