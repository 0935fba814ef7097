"""Proves the history: every leaf and checkpoint, and what checkpoints kept elsewhere say."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, RowMapping, func, select

from ledger.audit.block_roots import BlockRoots
from ledger.audit.bookkeeping import check_bookkeeping
from ledger.audit.checkpoints import hashes, newest
from ledger.proofs.merkle import BLOCK, HASH_BYTES, Frontier, frontier_of
from ledger.proofs.signed_notes import (
    Checkpoint,
    NotANote,
    NotVouchedFor,
    OtherKey,
    opened,
    unvouched,
)
from ledger.proofs.signing import Keys
from ledger.readings.moments import head
from ledger.replaying.redaction_proof import check_redactions
from ledger.replaying.walking import (
    UNREADABLE,
    Flaws,
    check_leaf,
    check_order,
    pages,
    reading_any_text,
)
from ledger.storage.tables import CHECKPOINT, EVENT

_MANY = 1_000


@dataclass
class Verdict:
    """What was found: `events` were read, and the first `sealed` of them a checkpoint vouches for.

    `checkpoints` of the ledger's own and `outside` ones held. `root` is that
    of the tree over all events, as they are now. The walk began `after` a
    position, up to which a checkpoint kept elsewhere vouches for the leaf hashes.
    """

    after: int = 0
    events: int = 0
    sealed: int = 0
    checkpoints: int = 0
    outside: int = 0
    root: bytes = b""
    flaws: Flaws = field(default_factory=Flaws)


@dataclass(frozen=True)
class Outside:
    """A checkpoint that was kept elsewhere, and where it was read."""

    source: str
    checkpoint: Checkpoint


def verify(
    connection: Connection,
    keys: Keys,
    outside: Sequence[Outside] = (),
    progress: Callable[[int, int], None] = lambda _done, _all: None,
    *,
    since: Outside | None = None,
) -> Verdict:
    """Return what a walk over the history finds; `connection` sees one moment of it.

    Each leaf hash is computed from its event, and the tree from those: nothing
    that the ledger keeps beside its events is taken for granted. With `since`
    the walk begins behind that checkpoint, which is proven to be of the same
    history by the hashes that the ledger keeps (RFC 6962, section 2.1.2).
    """
    with reading_any_text(connection):
        return _verified(connection, keys, outside, progress, since)


def _verified(
    connection: Connection,
    keys: Keys,
    outside: Sequence[Outside],
    progress: Callable[[int, int], None],
    since: Outside | None,
) -> Verdict:
    last = head(connection)
    walk = _Walk(connection, keys, outside)
    if since is not None and since.checkpoint.size <= last:
        walk.begin_behind(since)
    elif since is not None:
        walk.expect(since)
    for before, page in pages(connection, walk.position, last):
        check_order(before, page, walk.verdict.flaws)
        check_redactions(connection, page, walk.verdict.flaws)
        for row in page:
            leaf = check_leaf(row, walk.verdict.flaws)
            walk.pass_by(row, leaf)
        progress(min(before + len(page), last), last)
    walk.arrive(last)
    return walk.verdict


class _Walk:
    """The tree as it grows event by event, and the checkpoints that are passed on the way."""

    def __init__(self, connection: Connection, keys: Keys, outside: Sequence[Outside]) -> None:
        self._connection = connection
        self._keys = keys
        self._outside = sorted(outside, key=lambda each: each.checkpoint.size)
        self._origin = _origin(connection)
        self._kept = _kept(connection, 0)
        self._next = next(self._kept, None)
        self._frontier = Frontier()
        self._held = 0
        self._known = 0
        self._broken = False
        self._leaves: list[bytes] = []
        self._roots = BlockRoots(0)
        self.verdict = Verdict()
        self._compare_up_to(0)

    @property
    def position(self) -> int:
        """How far the tree goes."""
        return self._frontier.size + len(self._leaves)

    def begin_behind(self, since: Outside) -> None:
        """Begin with the tree that the ledger's hashes make up to a checkpoint, and compare it."""
        size = since.checkpoint.size
        try:
            self._frontier = frontier_of(size, lambda *where: hashes(self._connection, *where))
        except ValueError as missing:
            self.verdict.flaws.add(1, f"up to {since.source}: {missing}")
            self._frontier = Frontier(size, (bytes(HASH_BYTES),) * size.bit_count())
        self.verdict.after = size
        self._roots = BlockRoots(size)
        self._kept = _kept(self._connection, size)
        self._next = next(self._kept, None)
        self._outside = [each for each in self._outside if each.checkpoint.size >= size]
        self._compare(since)

    def expect(self, outside: Outside) -> None:
        """Look for one more checkpoint that was kept elsewhere."""
        self._outside.append(outside)

    def pass_by(self, row: RowMapping, leaf: bytes | None) -> None:
        """Take the next event and its leaf, and look at the checkpoints that end with it."""
        position = row["position"]
        self.verdict.events += 1
        self._leaves.append(leaf or bytes(HASH_BYTES))
        self._roots.add(position, leaf if leaf == row["leaf_hash"] else None)
        wanted = self._next is not None and self._next[0] == position
        wanted = wanted or bool(self._outside and self._outside[0].checkpoint.size == position)
        if wanted or len(self._leaves) >= BLOCK:
            self._grow()
        while self._next is not None and self._next[0] <= position:
            self._look(*self._next)
            self._next = next(self._kept, None)
        self._compare_up_to(position)

    def _compare_up_to(self, position: int) -> None:
        while self._outside and self._outside[0].checkpoint.size <= position:
            self._compare(self._outside.pop(0))

    def arrive(self, last: int) -> None:
        """Look at what should have come after the last event."""
        self._grow()
        self.verdict.root = self._frontier.root()
        flaws, ends = self.verdict.flaws, self._frontier.size
        check_bookkeeping(self._connection, last, flaws)
        self._roots.compare(self._connection, flaws)
        newest = self._connection.execute(select(func.max(EVENT.c.position))).scalar() or 0
        if newest != last:
            flaws.add(min(newest, last) + 1, f"the head says {last}, the history ends at {newest}")
        if self._next is not None:
            flaws.add(ends + 1, f"it was sealed up to {self._next[0]}: what comes here is missing")
        for missing in self._outside:
            size = missing.checkpoint.size
            what = f"{missing.source} vouches for {size} events: what comes here is missing"
            flaws.add(ends + 1, what)
        if ends and not flaws.count and not (self.verdict.sealed or self.verdict.outside):
            flaws.add(1, "no checkpoint vouches for any event")

    def _grow(self) -> None:
        self._frontier = self._frontier.append(self._leaves)
        self._leaves.clear()

    def _look(self, size: int, frontier: bytes, note: str) -> None:
        """Look at a checkpoint of the ledger's own."""
        try:
            checkpoint = opened(note, self._keys.known(note))
            goes_on = bytes(frontier)
        except OtherKey:
            what = (
                "the checkpoint up to it was signed by another key than the ledger's, so it vouches"
            )
            self.verdict.flaws.add(
                size, f"{what} for nothing: that says of no event it was changed"
            )
            return
        except (NotANote, NotVouchedFor, *UNREADABLE) as wrong:
            self.verdict.flaws.add(size, f"the checkpoint up to it does not hold: {wrong}")
            return
        if checkpoint.size != size:
            what = f"the checkpoint up to it is one of {checkpoint.size} events"
            self.verdict.flaws.add(size, what)
        elif self._origin is not None and checkpoint.origin != self._origin:
            what = f"the checkpoint up to it is of the log {checkpoint.origin}"
            self.verdict.flaws.add(size, what)
        elif self._holds(checkpoint, "its checkpoint"):
            self.verdict.checkpoints += 1
            self.verdict.sealed = size
            if goes_on != self._frontier.to_bytes():
                self.verdict.flaws.add(size, "what the tree goes on from was changed there")

    def _compare(self, outside: Outside) -> None:
        origin, size = outside.checkpoint.origin, outside.checkpoint.size
        if self._origin is not None and origin != self._origin:
            what = f"{outside.source} is of the log {origin}, and this one is {self._origin}"
            self.verdict.flaws.add(size, what)
        elif self._holds(outside.checkpoint, outside.source):
            self.verdict.outside += 1

    def _holds(self, checkpoint: Checkpoint, source: str) -> bool:
        """Tell whether a checkpoint is of these events; note the first that is not.

        After that one no other can be: their trees have the same events in them.
        Where single events were found wrong since one that was, that is why.
        """
        if checkpoint.size == self._frontier.size and checkpoint.root == self._frontier.root():
            self._held = max(self._held, checkpoint.size)
            self._known = self.verdict.flaws.count
            return True
        explained = self.verdict.flaws.count > self._known
        if not self._broken and not explained:
            first = self._held + 1
            what = f"{source} of size {checkpoint.size} vouches for other events than these, from"
            self.verdict.flaws.add(first, f"{what} here to {checkpoint.size}")
        self._broken = True
        return False


def _origin(connection: Connection) -> str | None:
    """Return the name of the log, as the newest checkpoint of the ledger says it."""
    note = newest(connection)
    try:
        return None if note is None else unvouched(note).origin
    except (NotANote, *UNREADABLE):
        return None


def _kept(connection: Connection, done: int) -> Iterator[tuple[int, bytes, str]]:
    """Yield size, frontier and note of the ledger's checkpoints above a size, in order."""
    columns = (CHECKPOINT.c.size, CHECKPOINT.c.frontier, CHECKPOINT.c.note)
    while True:
        query = select(*columns).where(CHECKPOINT.c.size > done).order_by(CHECKPOINT.c.size)
        page = list(connection.execute(query.limit(_MANY)))
        yield from ((size, frontier, note) for size, frontier, note in page)
        if len(page) < _MANY:
            return
        done = page[-1][0]
