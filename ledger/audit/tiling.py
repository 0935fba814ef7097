"""Writes what is sealed of the history as a log of static files, which others check."""

from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import Connection

from ledger.audit.checkpoints import newest
from ledger.audit.tlog_tiles import export_tiles
from ledger.proofs.signed_notes import Checkpoint, opened
from ledger.proofs.signing import Keys
from ledger.replaying.walking import UNREADABLE, entry_in, pages
from ledger.shell import Unsaid
from policies.values.refusals import Refused


def write_tiles(
    connection: Connection,
    directory: Path,
    keys: Keys,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Checkpoint:
    """Write the history up to the newest checkpoint, and return that.

    `connection` sees one moment of the ledger. What an earlier writing left in
    `directory` is compared and stays. Raises Refused where nothing is sealed,
    where the checkpoint is not of `keys`, and where the events are not those
    that were sealed, and Unsaid where `directory` cannot be written.
    """
    note = newest(connection)
    if note is None:
        raise Refused("nothing is sealed yet: `placet serve` seals what it records each second")
    checkpoint = opened(note, keys.known(note))
    try:
        export_tiles(
            directory, checkpoint.size, _entries(connection, checkpoint.size), note, progress
        )
    except OSError as error:
        raise Unsaid(f"`{directory}` cannot be written: {error.strerror}") from error
    return checkpoint


def _entries(connection: Connection, size: int) -> Iterator[bytes]:
    for _, page in pages(connection, 0, size):
        for row in page:
            try:
                yield entry_in(row)
            except UNREADABLE as error:
                what = f"the event at position {row['position']} was changed"
                raise Refused(f"{what}; run `placet audit verify`") from error
