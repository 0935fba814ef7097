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

from ledger.entries import leaf_hash
from ledger.merkle import BLOCK, EMPTY_ROOT, block_root
from ledger.signed_notes import unvouched
from policies.refusals import Refused

_LENGTH = struct.Struct(">H").pack

_GROUP = 1000
"""Files that a folder of full tiles has at most."""


class TileDiffers(Refused):
    """A file that never changes is there with other bytes: this is the history of another log."""


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
    by the right key is for the caller to know. Raises TileDiffers, NotTheCheckpoint and NotANote.
    """
    head = unvouched(note)
    if head.size != size:
        raise NotTheCheckpoint(f"the checkpoint is over {head.size} events, not {size}")
    tiles = _Tiles(directory / "tile")
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
    _replace(directory / "checkpoint", note.encode())


class _Tiles:
    """Writes entries and the tree over them, and remembers one tile of each level."""

    def __init__(self, directory: Path) -> None:
        """Begin an empty log."""
        self.size = 0
        self._directory = directory
        self._levels: list[list[bytes]] = []

    def add(self, bundle: list[bytes]) -> None:
        """Write a bundle of entries: a full one, or the last."""
        number = self.size // BLOCK
        self.size += len(bundle)
        content = b"".join(_LENGTH(len(entry)) + entry for entry in bundle)
        self._put("entries", number, len(bundle), content)
        self._grow(0, [leaf_hash(entry) for entry in bundle])

    def close(self, bundle: list[bytes]) -> bytes:
        """Write what makes no full bundle or tile; return the root of the tree."""
        if bundle:
            self.add(bundle)
        root = None
        for level, hashes in enumerate(self._levels):
            if hashes:
                width = len(hashes)
                number = self.size // BLOCK**level // BLOCK
                self._put(str(level), number, width, b"".join(hashes))
                root = block_root(hashes if root is None else [*hashes, root])
        return EMPTY_ROOT if root is None else root

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
            raise TileDiffers(
                f"`{path}` is of another history: export to an empty folder and compare the two"
            )


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
