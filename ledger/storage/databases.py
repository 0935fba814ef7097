"""Opens the ledger's database: SQLite or PostgreSQL, for writing and for reading."""

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from ledger.storage.addresses import parsed, to_write
from ledger.storage.lines import Lines
from ledger.storage.sqlite_files import (
    Companions,
    Still,
    check_there,
    identity,
    make_private,
    read_only,
)
from ledger.storage.statements import OnSqlite

_LOG_PAGES = 500
"""Pages of SQLite's log after which it is written into the file itself.

All who call then wait for that: with 4,000, the slowest call of a hundred took
a third longer, and no call less of the processor.
"""

_LOG_BYTES = _LOG_PAGES * 4096

_SWITCHING = 5.0
_MOMENT = 0.01

_CACHED = "PRAGMA cache_size = -500"
"""KiB of the file that each connection keeps; the system keeps the rest, nearly as close at hand.

A call's rows cost the same with 2,000 KiB, SQLite's own choice, and with 500; six connections
keep what a flood of calls has filled.
"""

_SQLITE = (
    _CACHED,
    "PRAGMA synchronous = FULL",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA secure_delete = ON",
    f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}",
)

_READERS = 4

_MADE = "made after so many rests"
"""What is noted of a connection: one of before the last rest has a pool that nobody looks at."""


@dataclass(frozen=True)
class Database:
    """A ledger's database; `path` is SQLite's file, None on PostgreSQL.

    `file` tells that file from any other that may come to stand there. `turn`
    is taken by whoever in this process writes to SQLite, so that threads queue
    up instead of polling the file's lock. `settling` is for the writer, which
    begins its transactions by `Runner.transaction`; `lines` are the connections
    to PostgreSQL. `still` is SQLite's file where it is read without a lock,
    `companions` are what SQLite keeps beside a file that is written.
    """

    url: URL
    writing: Engine
    reading: Engine
    settling: Engine
    path: Path | None
    file: tuple[int, int] | None = None
    turn: Lock = field(default_factory=Lock)
    closed: Event = field(default_factory=Event)
    rests: list[int] = field(default_factory=lambda: [0])
    lines: Lines = field(default_factory=Lines)
    still: Still | None = None
    companions: Companions | None = None

    def __post_init__(self) -> None:
        """Let a connection that comes back after `close`, or a `rest`, be closed, not kept."""

        def made(_connection: Any, record: ConnectionPoolEntry) -> None:
            record.info[_MADE] = self.rests[0]

        def came_back(_connection: Any, record: ConnectionPoolEntry) -> None:
            old = record.info.get(_MADE, self.rests[0]) != self.rests[0]
            if old or self.closed.is_set():
                record.close()

        for engine in self._engines:
            event.listen(engine, "checkin", came_back)
            if self._rests(engine):
                event.listen(engine, "connect", made)

    @property
    def _engines(self) -> set[Engine]:
        return {self.writing, self.reading, self.settling}

    @property
    def postgres(self) -> bool:
        """Whether it is PostgreSQL."""
        return self.path is None

    @property
    def misplaced(self) -> bool:
        """Whether SQLite's file is not at its path any more: what is written would be lost."""
        return self.path is not None and identity(self.path) != self.file

    @property
    def logless(self) -> bool:
        """Whether SQLite's log is not there any more for who opens the file: all in it is lost."""
        return self.companions is not None and self.companions.gone

    def check_still(self) -> None:
        """Raise LedgerUnavailable where what was read without a lock was opened to be written."""
        if self.still is not None:
            self.still.check()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a connection in a transaction that commits at the end; SQLite's is IMMEDIATE."""
        if self.postgres:
            with self.writing.begin() as connection:
                yield connection
            return
        with self.turn, self.writing.begin() as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Give a connection that sees the database as it is now, whatever is written meanwhile."""
        with self.reading.connect() as connection:
            begin = "BEGIN ISOLATION LEVEL REPEATABLE READ" if self.postgres else "BEGIN"
            connection.exec_driver_sql(begin)
            try:
                yield connection
            finally:
                connection.exec_driver_sql("ROLLBACK")

    def make_room(self) -> None:
        """Let SQLite's log have its full length from the start.

        As long as it grows, each commit costs a second write: the file's new
        length. What fills it here is rolled back, and then written over. A disk
        without that much room is none of its business.
        """
        with contextlib.suppress(DBAPIError), self.turn, self.settling.connect() as connection:
            run = OnSqlite(connection)
            with run.transaction() as filling:
                run("CREATE TABLE room (bytes BLOB)", ())
                run("INSERT INTO room VALUES (zeroblob(?))", (_LOG_BYTES,))
                filling.rollback()

    def scrub(self) -> bool:
        """Empty SQLite's log, which has old copies of pages; False where a reader keeps it.

        Source: https://www.sqlite.org/pragma.html#pragma_wal_checkpoint
        """
        if self.postgres:
            return True
        with self.turn, self.settling.connect() as connection:
            ((busy, *_),) = OnSqlite(connection)("PRAGMA wal_checkpoint(TRUNCATE)", ())
        self.make_room()
        return not busy

    def rest(self) -> None:
        """Close what is idle, on SQLite what reads: it keeps what it was asked, as engines do."""
        self.rests[0] += 1
        for engine in self._engines:
            if self._rests(engine):
                engine.dispose()
            engine.clear_compiled_cache()

    def _rests(self, engine: Engine) -> bool:
        return engine is self.reading or self.postgres

    def close(self) -> None:
        """Close every idle connection now, and those in use as soon as they come back."""
        self.closed.set()
        for engine in self._engines:
            engine.dispose()


def connect(url: str) -> Database:
    """Return the database at `url`, SQLite's file made; nothing is opened yet.

    Raises LedgerUnavailable.
    """
    address, path = parsed(url)
    return _postgres(to_write(address)) if path is None else _sqlite(address, path)


def connect_to_read(url: str) -> Database:
    """Return the same only to be read: nothing is made, and SQLite's file may be read-only.

    Raises LedgerUnavailable.
    """
    address, path = parsed(url)
    return _postgres(address) if path is None else _sqlite_to_read(address, path)


def _sqlite(url: URL, path: Path) -> Database:
    make_private(path)
    arguments = {"check_same_thread": False, "timeout": 5.0}
    writing = create_engine(url, connect_args=arguments, pool_size=2)
    settling = create_engine(url, connect_args=arguments, pool_size=1, isolation_level="AUTOCOMMIT")
    reading = create_engine(
        url, connect_args=arguments, pool_size=_READERS, isolation_level="AUTOCOMMIT"
    )
    for engine in (writing, settling):
        event.listen(engine, "connect", _prepare_sqlite_writer)
    event.listen(writing, "begin", _begin_immediate)
    event.listen(reading, "connect", _prepare_sqlite_reader)
    beside = Companions(path)
    return Database(url, writing, reading, settling, path, identity(path), companions=beside)


def _sqlite_to_read(url: URL, path: Path) -> Database:
    check_there(path)
    still = Still.found(path)
    address = read_only(path, still)

    def opened() -> sqlite3.Connection:
        return sqlite3.connect(address, uri=True, check_same_thread=False, timeout=5.0)

    reading = create_engine(url, creator=opened, pool_size=_READERS, isolation_level="AUTOCOMMIT")
    event.listen(reading, "connect", _prepare_sqlite_reader)
    return Database(url, reading, reading, reading, path, identity(path), still=still)


def _prepare_sqlite_writer(connection: Any, _: object) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA busy_timeout = 5000")
    _log_ahead(connection)
    for statement in _SQLITE:
        connection.execute(statement)


def _log_ahead(connection: Any) -> None:
    """Switch to the write-ahead log; SQLite itself waits for no other process that does the same.

    Source: https://www.sqlite.org/wal.html, "Activating And Configuring WAL Mode"
    """
    until = time.monotonic() + _SWITCHING
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(_MOMENT)
        else:
            return


def _prepare_sqlite_reader(connection: Any, _: object) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA busy_timeout = 5000")
    connection.execute(_CACHED)
    connection.execute("PRAGMA query_only = ON")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _postgres(url: URL) -> Database:
    lines = Lines()
    writing, reading = lines.engines(url, _READERS)
    return Database(url, writing, reading, writing, None, lines=lines)
