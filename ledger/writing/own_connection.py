"""Keeps the writer's own connection, which lasts from one batch to the next."""

from sqlalchemy import Connection

from ledger.storage.databases import Database
from ledger.storage.statements import Runner, runner


class OwnConnection:
    """One connection, made when it is first needed, and what runs statements on it.

    Used by one thread. After any error of the connection it is to be dropped with `drop`.
    """

    def __init__(self, database: Database) -> None:
        """Connect to `database` when there is something to do."""
        self._database = database
        self._open: tuple[Runner, Connection] | None = None
        self._backend = 0

    def opened(self) -> tuple[Runner, Connection]:
        """Return what runs statements, and the connection. Raises what the database raises."""
        if self._open is None:
            connection = self._database.settling.connect()
            if self._database.postgres:
                driver = connection.connection.driver_connection
                assert driver is not None, "it has just connected"
                self._backend = driver.info.backend_pid
            if self._database.companions is not None:
                self._database.companions.find()
            self._open = runner(connection), connection
        return self._open

    def connection(self) -> Connection:
        """Return the connection. Raises what the database raises."""
        return self.opened()[1]

    def drop(self) -> None:
        """Close the connection; the next is made when it is needed."""
        known, self._open = self._open, None
        if self._database.companions is not None:
            self._database.companions.forget()
        if known is not None:
            _end(known[1])

    def renew(self) -> None:
        """Take a new connection to SQLite in the place of the old one, if there is one.

        That keeps what it was asked, compiled, once for each number of rows.
        Raises what the database raises, and has no connection then.
        """
        known, database = self._open, self._database
        if known is None or database.postgres or database.misplaced or database.logless:
            return
        self._open = None
        try:  # INVARIANT: the new one is there first: who closes the last takes SQLite's log away
            self.opened()
        finally:
            _end(known[1])

    def is_mine(self, backend: int) -> bool:
        """Tell whether PostgreSQL's process `backend` serves this connection."""
        return backend == self._backend


def _end(connection: Connection) -> None:
    """Close a connection for good, whatever has become of it."""
    connection.invalidate()
    connection.close()
