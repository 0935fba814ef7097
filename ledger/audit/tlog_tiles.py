"""Writes the history as a log of static files that others can check (C2SP `tlog-tiles`).

    checkpoint                  the signed head, written last
    tile/0/x001/234             256 leaf hashes, here those of tile 1234
    tile/0/x001/235.p/17        the 17 leaf hashes that make no full tile yet
    tile/1/004                  256 roots of full tiles of the level below
    tile/entries/x001/234       the entries, 2 bytes big-endian length before each

<https://c2sp.org/tlog-tiles>
"""

import struct
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path

from ledger.proofs.entries import leaf_hash
from ledger.proofs.merkle import BLOCK, EMPTY_ROOT, block_root
from ledger.proofs.signed_notes import Checkpoint, NotANote, unvouched
from policies.values.refusals import Refused

_LENGTH = struct.Struct(">H").pack

_COMPARE = "export to an empty folder and compare the two"

_GROUP = 1000
"""Files that a folder of full tiles has at most."""


class TileDiffers(Refused):
    """A file that never changes is there with other bytes: this is the history of another log."""


class LogDiffers(Refused):
    """A checkpoint that was written before is not of the history that is to be written."""


class NotTheCheckpoint(Refused):
    """The entries do not make the tree that the checkpoint is the head of."""


def export_tiles(
    directory: Path,
    size: int,
    entries: Iterable[bytes],
    note: str,
    progress: Callable[[int, int], None],
) -> None:
    """Write the first `size` entries and the checkpoint over them, `note`, into `directory`.

    Each file appears whole, the checkpoint last; what an earlier export left is compared and
    stays. `progress` hears how many of how many entries are written. Whether `note` is signed
    by the right key is for the caller to know. Raises TileDiffers, LogDiffers, NotTheCheckpoint
    and NotANote.
    """
    head = unvouched(note)
    if head.size != size:
        raise NotTheCheckpoint(f"the checkpoint is over {head.size} events, not {size}")
    path = directory / "checkpoint"
    before = _written_before(path, head)
    tiles = _Tiles(directory / "tile", before if before and before.size < size else None)
    bundle: list[bytes] = []
    for entry in islice(entries, size):
        bundle.append(entry)
        if len(bundle) == BLOCK:
            tiles.add(bundle)
            progress(tiles.size, size)
            bundle = []
    root = tiles.close(bundle)
    progress(tiles.size, size)
    if tiles.size != size:
        raise NotTheCheckpoint(f"there are {tiles.size} events, and the checkpoint is over {size}")
    if root != head.root:
        raise NotTheCheckpoint("the events have another root than the checkpoint: run the proof")
    if before and before.size == size and before.root != root:
        raise LogDiffers(f"`{path}` is of another history: {_COMPARE}")
    _replace(path, note.encode())


def _written_before(path: Path, head: Checkpoint) -> Checkpoint | None:
    """Return the checkpoint that is there. Raises LogDiffers where `head` cannot follow it."""
    if not path.exists():
        return None
    try:
        before = unvouched(path.read_bytes())
    except NotANote as wrong:
        raise LogDiffers(f"`{path}` is no checkpoint: {wrong}; {_COMPARE}") from wrong
    if before.origin != head.origin:
        raise LogDiffers(f"`{path}` is of the log {before.origin}, not {head.origin}")
    if before.size > head.size:
        raise LogDiffers(
            f"`{path}` is over {before.size} events, and the ledger is sealed up to {head.size}:"
            " what comes there is missing here; run `placet audit verify --checkpoint` with it"
        )
    return before


class _Tiles:
    """Writes entries and the tree over them, and remembers one tile of each level."""

    def __init__(self, directory: Path, before: Checkpoint | None) -> None:
        """Begin an empty log, which goes on from `before`."""
        self.size = 0
        self._before = before
        self._directory = directory
        self._levels: list[list[bytes]] = []

    def add(self, bundle: list[bytes]) -> None:
        """Write a bundle of entries: a full one, or the last."""
        number = self.size // BLOCK
        self.size += len(bundle)
        content = b"".join(_LENGTH(len(entry)) + entry for entry in bundle)
        leaves = [leaf_hash(entry) for entry in bundle]
        self._compare(leaves)
        self._put("entries", number, len(bundle), content)
        self._grow(0, leaves)

    def _compare(self, leaves: list[bytes]) -> None:
        """Look at the checkpoint from before, where it ends within these. Raises LogDiffers."""
        since = self.size - len(leaves)
        if self._before is None or not since < self._before.size <= self.size:
            return
        root = _root([leaves[: self._before.size - since], *self._levels[1:]])
        if root != self._before.root:
            raise LogDiffers(
                f"the checkpoint that is there, over {self._before.size} events, is of another"
                f" history: {_COMPARE}"
            )

    def close(self, bundle: list[bytes]) -> bytes:
        """Write what makes no full bundle or tile; return the root of the tree."""
        if bundle:
            self.add(bundle)
        for level, hashes in enumerate(self._levels):
            if hashes:
                number = self.size // BLOCK**level // BLOCK
                self._put(str(level), number, len(hashes), b"".join(hashes))
        return _root(self._levels)

    def _grow(self, level: int, hashes: list[bytes]) -> None:
        """Add nodes to a level; its row is empty, or has room for one."""
        if level == len(self._levels):
            self._levels.append([])
        row = self._levels[level]
        row += hashes
        if len(row) == BLOCK:
            number = self.size // BLOCK ** (level + 1) - 1
            self._put(str(level), number, BLOCK, b"".join(row))
            self._levels[level] = []
            self._grow(level + 1, [block_root(row)])

    def _put(self, level: str, number: int, width: int, content: bytes) -> None:
        """Write a file that never changes, or find it as it was. Raises TileDiffers."""
        path = self._directory / level / tile_name(number, width)
        if not path.exists():
            _replace(path, content)
        elif path.read_bytes() != content:
            raise TileDiffers(f"`{path}` is of another history: {_COMPARE}")


def _root(levels: list[list[bytes]]) -> bytes:
    """Return the root over the nodes that make no full tile yet, by levels from the leaves."""
    root = None
    for hashes in levels:
        if hashes:
            root = block_root(hashes if root is None else [*hashes, root])
    return EMPTY_ROOT if root is None else root


def tile_name(number: int, width: int) -> str:
    """Return a tile's path below its level (section "Merkle Tree" and "Partial Tiles")."""
    above, last = divmod(number, _GROUP)
    name = f"{last:03d}"
    while above:
        above, group = divmod(above, _GROUP)
        name = f"x{group:03d}/{name}"
    return name if width == BLOCK else f"{name}.p/{width}"


def _replace(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or, should the process die, not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.tmp")
    beside.write_bytes(content)
    beside.replace(path)
