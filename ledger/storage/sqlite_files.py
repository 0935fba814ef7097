"""Knows the file of a ledger in SQLite: who may read it, and how it is opened to be read only."""

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from ledger.unavailable import LedgerUnavailable


def make_private(path: Path) -> None:
    """Make the file readable by its owner only; SQLite gives its companions the same mode.

    Raises LedgerUnavailable.
    """
    _open(path, os.O_CREAT | os.O_RDONLY | os.O_CLOEXEC)


def check_there(path: Path) -> None:
    """Raise LedgerUnavailable where there is no file to be read."""
    if not path.exists():
        raise LedgerUnavailable(
            f"there is no ledger `{path}`: look at `ledger.url`; `placet serve` begins one"
        )
    _open(path, os.O_RDONLY | os.O_CLOEXEC)


def identity(path: Path) -> tuple[int, int] | None:
    """Return device and inode of a file; None where there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116 (asked before every batch; a Path takes four times as long)
    except OSError:
        return None
    return found.st_dev, found.st_ino


class Companions:
    """SQLite's log and the index of it, as the connection that writes found them.

    Who opens the file where they were taken away begins others, and knows nothing of what is
    still written to these.
    """

    def __init__(self, path: Path) -> None:
        """Look after those beside the file at `path`."""
        self._paths = _beside(path)
        self._known: list[tuple[int, int] | None] | None = None

    @property
    def gone(self) -> bool:
        """Whether those that were found are not there any more, or others are in their place."""
        return self._known is not None and self._known != self._there()

    def find(self) -> None:
        """Know those that are there now, unless others are known."""
        there = self._there()
        if self._known is None and None not in there:
            self._known = there

    def forget(self) -> None:
        """Know none any more: SQLite may begin others. What is gone stays gone."""
        if not self.gone:
            self._known = None

    def _there(self) -> list[tuple[int, int] | None]:
        return [identity(path) for path in self._paths]


@dataclass(frozen=True)
class Still:
    """A file that nobody has open to write, at rest where SQLite's log cannot be begun beside it.

    SQLite reads such a file without a lock (`immutable=1`), so whoever reads
    it has to look afterwards whether it was still at rest.
    """

    path: Path
    looks: tuple[int, int, int]

    @classmethod
    def found(cls, path: Path) -> "Still | None":
        """Return the file at `path` as one of this kind, None where SQLite opens it as any other.

        Raises LedgerUnavailable where its log is there, and what is needed to read that is not.
        """
        log, index = _beside(path)
        if os.access(path.parent, os.W_OK) or (log.exists() and index.exists()):
            return None
        if log.exists() or index.exists():
            raise LedgerUnavailable(
                f"`{path}` is in a folder that cannot be written, with only one of `{log.name}`"
                f" and `{index.name}`: copy what is there to a folder that can be written"
            )
        return cls(path, _looks(path))

    def check(self) -> None:
        """Raise LedgerUnavailable where somebody opened the file to write since."""
        if any(each.exists() for each in _beside(self.path)) or _looks(self.path) != self.looks:
            raise LedgerUnavailable(
                f"`{self.path}` was opened by another process while it was read: read it again"
            )


def read_only(path: Path, still: Still | None) -> str:
    """Return the address by which SQLite reads the file, and makes none.

    The log of a file that can be written is emptied when the last one closes it.
    Source: https://www.sqlite.org/uri.html
    """
    return f"file:{quote(str(path))}?{'mode=rw' if still is None else 'mode=ro&immutable=1'}"


def _beside(path: Path) -> tuple[Path, Path]:
    return path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")


def _looks(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def _open(path: Path, flags: int) -> None:
    try:
        os.close(os.open(path, flags, 0o600))
    except OSError as error:
        raise LedgerUnavailable(f"`{path}` cannot be opened: {error.strerror}") from error
