"""Knows which processes live, and which of them holds a role or a SQLite file."""

import fcntl
import os
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from sqlalchemy import BigInteger, ColumnElement, cast, delete, func, literal, select

from ledger.clock import micros
from ledger.storage.databases import Database
from ledger.storage.tables import INSTANCE, LEASE, PROJECTIONS
from ledger.storage.upserts import upserting
from ledger.unavailable import LedgerUnavailable

UNSEEN_SECONDS = 10
"""A process that was not seen for this long is presumed gone."""

_GAP = 3.0
"""Seconds between two signs of life that show that the database was away, or this process was."""

_SECOND = 1_000_000


class Leases:
    """Notes that this process lives, and takes roles for it, by the ledger's clock.

    While the database is away nobody is seen, and some are back before others:
    who was not seen is presumed gone only once this process itself has been seen
    without a gap for as long.
    """

    def __init__(
        self,
        database: Database,
        instance: str,
        now: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Speak for the process `instance`.

        `now` returns UTC and counts on SQLite; `monotonic` returns seconds.
        """
        self._database = database
        self._instance = instance
        self._now = now
        self._monotonic = monotonic
        self._beat_at: float | None = None
        self._steady_since = 0.0
        self._was_away = False

    def beat(self) -> None:
        """Note that this process lives."""
        now = self._clock()
        with self._database.write() as connection:
            row = upserting(connection, INSTANCE).values(
                id=self._instance, started_at=now, seen_at=now
            )
            connection.execute(
                row.on_conflict_do_update(
                    index_elements=[INSTANCE.c.id], set_={"seen_at": row.excluded.seen_at}
                )
            )
        self._note(self._monotonic())

    def leave(self) -> None:
        """Note that this process lives no more: nobody has to wait until it is missed."""
        with self._database.write() as connection:
            connection.execute(delete(INSTANCE).where(INSTANCE.c.id == self._instance))

    def others(self) -> bool:
        """Tell whether another process serves too, as far as was seen in the last 10 seconds.

        It is taken for granted while nobody could be seen.
        """
        if not self._database.postgres:
            return False  # one serving process holds the file
        if self._was_away and not self._steady:
            return True
        oldest = self._clock() - UNSEEN_SECONDS * _SECOND
        query = select(INSTANCE.c.id).where(
            INSTANCE.c.id != self._instance, INSTANCE.c.seen_at > oldest
        )
        with self._database.reading.connect() as connection:
            return connection.execute(query.limit(1)).scalar() is not None

    def take(self, name: str, seconds: float) -> bool:
        """Take or keep the role `name` for `seconds`; False while another process has it."""
        now = self._clock()
        with self._database.write() as connection:
            row = upserting(connection, LEASE).values(
                name=name, holder=self._instance, until=now + int(seconds * _SECOND)
            )
            taken = row.on_conflict_do_update(
                index_elements=[LEASE.c.name],
                set_={"holder": row.excluded.holder, "until": row.excluded.until},
                where=(LEASE.c.holder == self._instance) | (LEASE.c.until <= now),
            ).returning(LEASE.c.name)
            return connection.execute(taken).scalar() is not None

    def lost(self, *, alone: bool = False) -> tuple[str, ...]:
        """Return the other processes that hold running calls but were not seen for 10 seconds.

        `alone` says that no other process can be alive, whenever it was seen. Else
        there are none until this one has been seen without a gap for 10 seconds.
        """
        if not (alone or self._steady):
            return ()
        call = PROJECTIONS["call"]
        query = select(call.c.instance).distinct()
        query = query.where(call.c.open == 1, call.c.instance != self._instance)
        query = query.where(call.c.deadline.is_(None))  # what callers run outlives us all
        if not alone:
            oldest = self._clock() - UNSEEN_SECONDS * _SECOND
            living = select(INSTANCE.c.id).where(INSTANCE.c.seen_at > oldest)
            query = query.where(call.c.instance.not_in(living))
        with self._database.reading.connect() as connection:
            return tuple(str(instance) for (instance,) in connection.execute(query))

    @property
    def _steady(self) -> bool:
        """Whether this process was seen again and again for as long as others are waited for."""
        now, beat_at = self._monotonic(), self._beat_at
        steady = beat_at is not None and now - beat_at <= _GAP
        return steady and now - self._steady_since >= UNSEEN_SECONDS

    def _note(self, now: float) -> None:
        if self._beat_at is None or now - self._beat_at > _GAP:
            self._was_away = self._beat_at is not None
            self._steady_since = now
        self._beat_at = now

    def _clock(self) -> ColumnElement[int]:
        if not self._database.postgres:
            return literal(micros(self._now()))
        epoch = func.extract("epoch", func.clock_timestamp())
        return cast(epoch * _SECOND, BigInteger)


class FileLock:
    """The lock beside a SQLite file: one serving process at a time."""

    def __init__(self, database_file: Path) -> None:
        """Take the lock. Raises LedgerUnavailable, naming the process that has it.

        The lock goes by the file's name, so it has to be its only one.
        """
        if database_file.stat().st_nlink > 1:
            raise LedgerUnavailable(
                f"`{database_file}` has another name (a hard link), under which it could be served"
                " too: remove one of them, or copy the file"
            )
        self._path = database_file.with_name(f"{database_file.name}.lock")
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(self._file, 32).decode(errors="replace").strip()
            os.close(self._file)
            raise LedgerUnavailable(
                f"another `placet serve` (process {holder or 'unknown'}) has the ledger"
                f" `{database_file}`: stop it, or give this one another `ledger.url`"
            ) from error
        os.ftruncate(self._file, 0)
        os.write(self._file, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Let another process serve; safe to call again."""
        file, self._file = self._file, -1
        if file >= 0:
            with suppress(OSError):
                os.ftruncate(file, 0)
            os.close(file)
