"""Writes events, projections and the head row, each kind of row in one statement."""

import os
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import BigInteger, LargeBinary, Table

from ledger.proofs.entries import SALT_BYTES, Header, entry, leaf_hash
from ledger.storage.statements import Row, Runner
from ledger.storage.tables import EVENT, PROJECTIONS

CHANNEL = "placet_ledger"
"""PostgreSQL's channel that tells other processes to look at the head row."""

Placed: TypeAlias = tuple[Header, bytes]
"""An event's header and its stored state."""

_TIME_OF = "(SELECT at FROM ledger_event WHERE position ="

_HEAD = f"SELECT position, at, {_TIME_OF} ?), NULL FROM ledger_head WHERE id = 1"  # noqa: S608 (a literal)

_CLOCK = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"

_SEEN_HEAD = f"""
SELECT position, at, {_TIME_OF} {{known}}), {{clock}}, {_TIME_OF} ledger_head.position)
  FROM ledger_head WHERE id = 1
"""  # noqa: S608 (a literal)

_LOCKED_HEAD = f"""
WITH head AS MATERIALIZED (SELECT position, at FROM ledger_head WHERE id = 1 FOR UPDATE)
SELECT position, at, {_TIME_OF} %s), {_CLOCK} FROM head
"""  # noqa: S608 (a literal)
"""The clock is read outside the locking query, hence after the lock was waited for."""

_MOVE = "UPDATE ledger_head SET position = ?, at = ? WHERE id = 1"

_MOVE_AND_NOTIFY = (
    "WITH moved AS (UPDATE ledger_head SET position = %s, at = %s WHERE id = 1 RETURNING id)"
    " SELECT pg_notify('placet_ledger', '') FROM moved"
)


_SIZES = (96, 48, 32, 24, *range(16, 0, -1))
"""Rows that one statement of SQLite writes; it takes 32,766 parameters (limits of SQLite, 9).

Few statements for a batch, two for most: between two of them another thread may
take the interpreter, and keep it for long. Few texts, with few rows in all: SQLite
keeps each compiled, in 1 to 2 KiB for every row, with what was last written by it.
"""


class Head(NamedTuple):
    """The head row: position and time of the last event, microseconds since 1970 UTC.

    `known_at` is the time of the event that was asked for, None where it is not there.
    `now` is the database's clock, None where the process's clock counts. `last_at` is
    the time that the last event itself has, None where that was not looked at.
    """

    position: int
    at: int
    known_at: int | None
    now: int | None
    last_at: int | None = None


class Appender:
    """Writes rows set-based, in the words of one database; statements are made once."""

    def __init__(self, *, postgres: bool) -> None:
        """Choose the words of PostgreSQL or of SQLite."""
        self._postgres = postgres
        words = ("%s", _CLOCK) if postgres else ("?", "NULL")
        self._seen_head = _SEEN_HEAD.format(known=words[0], clock=words[1])
        self._insert = _Insert(EVENT, "", without="code")
        self._upserts = {
            kind: _Insert(table, _replacing(table)) for kind, table in PROJECTIONS.items()
        }

    def take_head(self, run: Runner, known: int = 0) -> Head:
        """Return the head row, which no other process moves until this transaction ends.

        `known` is the position of an event to look for with it.
        """
        (row,) = run(_LOCKED_HEAD if self._postgres else _HEAD, (known,))
        return Head(*row)

    def look_at_head(self, run: Runner, known: int) -> Head:
        """Return the same as it was last committed, without taking it."""
        (row,) = run(self._seen_head, (known,))
        return Head(*row)

    def append(self, run: Runner, placed: Sequence[Placed]) -> None:
        """Write events in their places, salted and hashed. Raises IntegrityError on a conflict."""
        self._write(run, self._insert, _values(placed))

    def project(self, run: Runner, kind: str, rows: Sequence[Row]) -> None:
        """Write rows of a projection in place of those with the same ids, each id once."""
        self._write(run, self._upserts[kind], list(chain.from_iterable(rows)))

    def move_head(self, run: Runner, position: int, at: int) -> None:
        """Write the head row; on PostgreSQL other processes are woken at commit."""
        run(_MOVE_AND_NOTIFY if self._postgres else _MOVE, (position, at))

    def _write(self, run: Runner, insert: "_Insert", values: list[Any]) -> None:
        """Write rows whose values follow each other."""
        width = insert.width
        if self._postgres and values:
            run(insert.of_arrays, [values[of::width] for of in range(width)])
            return
        done = 0
        for size in _sizes(len(values) // width):
            after = done + size * width
            run(insert.of_rows[size], values[done:after])
            done = after


class _Insert:
    """The texts that insert rows into one table; `ending` says what becomes of older ones."""

    def __init__(self, table: Table, ending: str, *, without: str = "") -> None:
        columns = [column for column in table.columns if column.name != without]
        names = ", ".join(f'"{column.name}"' for column in columns)
        into = f'INSERT INTO "{table.name}" ({names})'
        arrays = ", ".join(f"%b::{_array(column.type)}" for column in columns)
        row = f"({', '.join('?' for _ in columns)})"
        self.width = len(columns)
        self.of_arrays = f"{into} SELECT * FROM unnest({arrays}){ending}"  # noqa: S608 (names of our own tables)
        self.of_rows = {size: f"{into} VALUES {', '.join([row] * size)}{ending}" for size in _SIZES}


@lru_cache(maxsize=64)
def _sizes(rows: int) -> tuple[int, ...]:
    """Return the sizes of the statements that write so many rows: few texts, few statements."""
    sizes: list[int] = []
    for size in _SIZES:
        count, rows = divmod(rows, size)
        sizes += [size] * count
    return tuple(sizes)


def numbered(commands: Iterable[str | None]) -> Iterator[int | None]:
    """Yield each event's number within its command, from 0; None where there is no command."""
    counts: dict[str, int] = {}
    for command in commands:
        if command is None:
            yield None
            continue
        number = counts.get(command, 0)
        counts[command] = number + 1
        yield number


def _values(placed: Sequence[Placed]) -> list[Any]:
    """Return the values of the events' rows, row after row, as the table has its columns."""
    salts = os.urandom(SALT_BYTES * len(placed))
    values: list[Any] = []
    start = 0
    for header, state in placed:
        salt = salts[start : start + SALT_BYTES]
        start += SALT_BYTES
        position, stream, version, topic, *others = header
        values += (position, stream, version, topic, state, salt, *others)
        values.append(leaf_hash(entry(header, salt, state)))
    return values


def _array(type_: object) -> str:
    if isinstance(type_, BigInteger):
        return "bigint[]"
    return "bytea[]" if isinstance(type_, LargeBinary) else "text[]"


def _replacing(table: Table) -> str:
    assigned = ", ".join(
        f'"{column.name}" = excluded."{column.name}"'
        for column in table.columns
        if not column.primary_key
    )
    return f" ON CONFLICT (id) DO UPDATE SET {assigned}"
