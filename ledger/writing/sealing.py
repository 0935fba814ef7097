"""Seals the history: signs the root of the tree over all events, in the writer's transactions.

Whoever writes events holds the head row, so one process at a time seals. A
checkpoint covers every event up to its size; beside it the roots of full
blocks are kept, from which a proof is made without reading every leaf.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ledger.proofs.merkle import BLOCK, Frontier, block_root
from ledger.proofs.signed_notes import Checkpoint, NotANote, NotVouchedFor, OtherKey, opened, sign
from ledger.proofs.signing import Signer
from ledger.storage.statements import Row, Runner

_LOG = logging.getLogger(__name__)

MOST_EVENTS = 256
"""Events after which the next ones are sealed with them."""

MOST_SECONDS = 1.0
"""Seconds after which they are sealed, however few."""

_AT_ONCE = 64 * BLOCK
"""Events that one checkpoint adds at most, so that a long history does not hold the writer up."""

_NEWEST = "SELECT size, frontier, note FROM ledger_checkpoint ORDER BY size DESC LIMIT 1"
_LEAVES = """
SELECT leaf_hash FROM ledger_event WHERE position > ? AND position <= ? ORDER BY position
"""
_ROOTS = """
SELECT hash FROM ledger_subtree WHERE level = ? AND number >= ? AND number < ? ORDER BY number
"""
_KEEP_ROOT = "INSERT INTO ledger_subtree (level, number, hash) VALUES (?, ?, ?)"
_KEEP = "INSERT INTO ledger_checkpoint (size, at, frontier, note) VALUES (?, ?, ?, ?)"


class Unsealable(Exception):
    """What the ledger holds is not what was sealed before; nothing is signed on top of it."""


@dataclass(frozen=True)
class Sealed:
    """How far the history is sealed, and the tree up to there."""

    frontier: Frontier
    origin: str | None = None

    @property
    def size(self) -> int:
        """How many events are sealed."""
        return self.frontier.size


class Sealer:
    """Seals what the writer's connection sees; used by the writer's thread alone."""

    def __init__(
        self, signer: Signer, *, postgres: bool, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Sign with `signer`; `monotonic` returns seconds."""
        self._signer = signer
        self._postgres = postgres
        self._monotonic = monotonic
        self._size = 0
        self._sealed_at = monotonic()
        self._own: tuple[tuple[int, bytes, str], Sealed] | None = None
        self.problem: str | None = None

    def is_due(self, position: int) -> bool:
        """Tell whether the events up to `position` are to be sealed now."""
        if self.problem is not None or position <= self._size:
            return False
        late = self._monotonic() - self._sealed_at >= MOST_SECONDS
        return late or position - self._size >= MOST_EVENTS

    def seal(self, run: Runner, position: int, at: int) -> None:
        """Seal the events up to `position` in the transaction that holds the head row.

        `at` is the time of the last one, microseconds since 1970 UTC. Where the
        newest checkpoint does not hold of the history, `problem` says so, and
        nothing is sealed from then on.
        """
        try:
            self._extend(run, position, at)
        except Unsealable as broken:
            self.problem = str(broken)
            _LOG.error("the history is sealed no more: %s", broken)

    def forget(self) -> None:
        """Look at the newest checkpoint anew: a transaction was rolled back."""
        self._size = 0

    def _extend(self, run: Runner, position: int, at: int) -> None:
        before = self._newest(run)
        if before.size > position:
            text = f"it was sealed up to {before.size} and ends at {position}: events are missing"
            raise Unsealable(text)
        size = min(position, before.size + _AT_ONCE)
        if size > before.size:
            start = before.size - before.size % BLOCK
            leaves = self._hashes(run, _LEAVES, (start, size))
            if len(leaves) != size - start:
                raise Unsealable(f"positions between {start + 1} and {size} are missing")
            try:
                after = before.frontier.append(leaves[before.size - start :])
            except ValueError as error:
                raise Unsealable(f"behind position {before.size}: {error}") from error
            self._keep_roots(run, start, leaves)
            self._keep(run, Sealed(after, before.origin), at)
        self._size = size
        if size == position:
            self._sealed_at = self._monotonic()

    def _newest(self, run: Runner) -> Sealed:
        """Return what the newest checkpoint covers. Raises Unsealable where it does not hold.

        The one that this signed last is known by its every byte; any other is checked.
        """
        found = self._run(run, _NEWEST, ())
        if not found:
            return Sealed(Frontier())
        size, frontier, note = found[0]
        if self._own is not None and self._own[0] == (size, frontier, note):
            return self._own[1]
        try:
            checkpoint = opened(note, self._signer.known(note))
            tree = Frontier.from_bytes(size, bytes(frontier))
        except OtherKey as error:
            text = f"the checkpoint of size {size} was signed by another key: put that key back"
            raise Unsealable(text) from error
        except (NotANote, NotVouchedFor, AttributeError, TypeError, ValueError) as error:
            raise Unsealable(f"the checkpoint of size {size} does not hold: {error}") from error
        if (checkpoint.size, checkpoint.root) != (size, tree.root()):
            raise Unsealable(f"the checkpoint of size {size} does not hold: it was changed")
        return Sealed(tree, checkpoint.origin)

    def _keep_roots(self, run: Runner, start: int, leaves: Sequence[bytes]) -> None:
        """Keep the roots of the blocks that are full now, and of the blocks of those."""
        number, level = start // BLOCK, 1
        roots = [
            block_root(leaves[first : first + BLOCK])
            for first in range(0, len(leaves) - BLOCK + 1, BLOCK)
        ]
        while roots:
            for offset, root in enumerate(roots):
                self._run(run, _KEEP_ROOT, (level, number + offset, root))
            first, after = number - number % BLOCK, number + len(roots)
            below = self._hashes(run, _ROOTS, (level, first, after))
            level, number = level + 1, first // BLOCK
            roots = [
                block_root(below[index : index + BLOCK])
                for index in range(0, len(below) - BLOCK + 1, BLOCK)
            ]

    def _keep(self, run: Runner, sealed: Sealed, at: int) -> None:
        origin = sealed.origin or self._signer.new_origin()
        note = sign(
            Checkpoint(origin, sealed.size, sealed.frontier.root()), self._signer.key(origin)
        )
        frontier = sealed.frontier.to_bytes()
        self._run(run, _KEEP, (sealed.size, at, frontier, note))
        self._own = (sealed.size, frontier, note), Sealed(sealed.frontier, origin)

    def _hashes(self, run: Runner, statement: str, values: Row) -> list[bytes]:
        return [bytes(hash_) for (hash_,) in self._run(run, statement, values)]

    def _run(self, run: Runner, statement: str, values: Row) -> list[Row]:
        return run(statement.replace("?", "%s") if self._postgres else statement, values)
