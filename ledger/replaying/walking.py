"""Walks over the history a page at a time, and finds what is wrong with single events."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from eventsourcing.persistence import MapperDeserialisationError
from sqlalchemy import Connection, LargeBinary, RowMapping, select, type_coerce
from sqlalchemy.types import NullType

from ledger.lives.approvals import CorruptHistory
from ledger.proofs.entries import HMAC_BYTES, SALT_BYTES, Header, entry, leaf_hash, redacted_entry
from ledger.storage.recorder import COLUMNS
from ledger.storage.tables import EVENT

_PAGE = 1_000

_WHOLE = (*COLUMNS, EVENT.c.command_ordinal, EVENT.c.salt, EVENT.c.leaf_hash)
_AS_THEY_ARE = tuple(
    type_coerce(column, NullType()).label(column.name)
    if isinstance(column.type, LargeBinary)
    else column
    for column in _WHOLE
)
"""A whole row. SQLAlchemy would make as many bytes as a number says that stands for bytes."""

_FLAWS = 100
"""How many flaws are kept; the others are counted."""

UNREADABLE = (
    MapperDeserialisationError,
    CorruptHistory,
    AttributeError,
    OverflowError,
    TypeError,
    ValueError,
)
"""What a row raises that somebody has changed: SQLite takes a value of any kind anywhere."""


@dataclass(frozen=True)
class Flaw:
    """What is wrong with the event at a position, in words."""

    position: int
    what: str


@dataclass
class Flaws:
    """The first flaws that were found, and how many there are."""

    first: list[Flaw] = field(default_factory=list)
    count: int = 0

    lowest: int | None = None

    def add(self, position: int, what: str) -> None:
        """Note a flaw."""
        self.count += 1
        self.lowest = position if self.lowest is None else min(self.lowest, position)
        if len(self.first) < _FLAWS:
            self.first.append(Flaw(position, what))


def pages(connection: Connection, done: int, last: int) -> Iterator[tuple[int, list[RowMapping]]]:
    """Yield pages of the rows after `done` up to `last`, each with the position before it."""
    while done < last:
        query = select(*_AS_THEY_ARE).where(EVENT.c.position > done, EVENT.c.position <= last)
        page = list(connection.execute(query.order_by(EVENT.c.position).limit(_PAGE)).mappings())
        if not page:
            return
        yield done, page
        done = page[-1]["position"]


@contextmanager
def reading_any_text(connection: Connection) -> Iterator[None]:
    """Let SQLite return texts in which somebody changed a byte so that they are no UTF-8.

    Such a text has surrogates in place of the byte, which nothing can be encoded with again.
    """
    lent: object = connection.connection.dbapi_connection
    if not isinstance(lent, sqlite3.Connection):
        yield
        return
    lent.text_factory = lambda stored: stored.decode(errors="surrogateescape")
    try:
        yield
    finally:
        lent.text_factory = str


def check_order(before: int, page: list[RowMapping], flaws: Flaws) -> None:
    """Note each gap in a page of rows that follows the position `before`."""
    for row in page:
        position = row["position"]
        if position != before + 1:
            missing = position - before - 1
            which = "position before it is" if missing == 1 else "positions before it are"
            flaws.add(position, f"{missing} {which} missing")
        before = position


def check_leaf(row: RowMapping, flaws: Flaws) -> bytes | None:
    """Return the leaf hash of a row's content; note where the row has another one, or none."""
    try:
        leaf = computed_leaf(row)
        right = leaf == in_bytes(row["leaf_hash"])
    except UNREADABLE:
        leaf, right = None, False
    if not right:
        flaws.add(row["position"], "its leaf hash is not that of its content")
    return leaf


def computed_leaf(row: RowMapping) -> bytes:
    """Return the leaf hash of a whole row of the history, computed anew."""
    return leaf_hash(entry_in(row))


def entry_in(row: RowMapping) -> bytes:
    """Return the entry of a whole row of the history, redacted or not. Raises UNREADABLE."""
    header, salt, kept = header_of(row), in_bytes(row["salt"]), row["code"]
    if kept is None and len(salt) == SALT_BYTES:
        return entry(header, salt, in_bytes(row["state"]))
    if kept is None:
        message = f"a salt has {SALT_BYTES} bytes: zeros behind it would change no hash"
        raise ValueError(message)
    if salt or len(kept) != HMAC_BYTES:
        message = "what is kept of a redacted event is not what a redaction keeps"
        raise ValueError(message)
    return redacted_entry(header, in_bytes(kept))


def in_bytes(stored: object) -> bytes:
    """Return what a column of bytes holds. Raises TypeError where it holds something else."""
    if not isinstance(stored, bytes | memoryview):
        message = f"bytes are kept there, and not {type(stored).__name__}"
        raise TypeError(message)
    return bytes(stored)


def header_of(row: RowMapping) -> Header:
    """Return the header of a whole row of the history.

    Raises ValueError where an empty text stands for nothing: an entry would not tell them apart.
    """
    if "" in (row["command_id"], row["command_ordinal"]):
        message = "a command without an id has no id, and not an empty one"
        raise ValueError(message)
    return Header(
        position=row["position"],
        stream=row["stream"],
        version=row["version"],
        type=row["type"],
        at=row["at"],
        actor=row["actor"],
        command_id=row["command_id"],
        command_ordinal=row["command_ordinal"],
        correlation_id=row["correlation_id"],
        causation_id=row["causation_id"],
    )
