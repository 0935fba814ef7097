"""Wakes this process when another one has moved PostgreSQL's head row."""

import importlib
import logging
import os
import select
from collections.abc import Callable
from threading import Thread
from typing import TYPE_CHECKING

from sqlalchemy import URL

from ledger.storage.addresses import options
from ledger.storage.appending import CHANNEL
from ledger.storage.lines import Lines

if TYPE_CHECKING:
    import psycopg

_LOG = logging.getLogger(__name__)

_IDLE_SECONDS = 20.0
"""How long a silent connection is trusted before it is asked whether it lives."""

_PATIENCE = 5.0
"""Seconds for which an answer is waited for on it: each is there at once."""

_LONGEST_PAUSE = 5.0


class Listener:
    """Listens for NOTIFY in a thread of its own and calls `wake`, which only says "look".

    A notification carries nothing. `wake` is also called after every connect,
    so that nothing sent while there was no connection is missed; the look at
    the head row each second is done elsewhere and needs no listener.
    """

    def __init__(
        self,
        url: URL,
        wake: Callable[[], None],
        is_mine: Callable[[int], bool] = lambda _backend: False,
        lines: Lines | None = None,
    ) -> None:
        """Start listening at `url` (PostgreSQL); a lost connection is made again.

        Notifications of a server process that `is_mine` are no news. The
        connection is one of `lines`.
        """
        self._is_mine = is_mine
        self._lines = lines or Lines()
        self._options = {"connect_timeout": 5, **options(url)}
        self._wake = wake
        self._stopped, self._stop = os.pipe()
        self._thread = Thread(target=self._run, name="ledger-listener", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening; returns when the thread has ended."""
        if self._stop < 0:
            return
        os.close(self._stop)
        self._stop = -1
        self._thread.join()
        os.close(self._stopped)

    def _run(self) -> None:
        driver = importlib.import_module("psycopg")  # 10 MiB that SQLite does without
        pause = 0.1
        while not self._is_stopped(0):
            try:
                with self._lines.connect(autocommit=True, **self._options) as connection:
                    connection.patience = _PATIENCE
                    connection.execute(f"LISTEN {CHANNEL}")
                    pause = 0.1
                    self._wake()
                    self._listen(connection)
            except driver.Error as error:
                _LOG.warning("lost the connection that wakes this process: %s", error)
            if self._is_stopped(pause):
                return
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _listen(self, connection: "psycopg.Connection") -> None:
        watched = (connection.fileno(), self._stopped)
        while True:
            readable, _, _ = select.select(watched, (), (), _IDLE_SECONDS)
            if self._stopped in readable:
                return
            if not readable:
                connection.execute("SELECT 1")
            connection.pgconn.consume_input()
            if self._drained(connection):
                self._wake()

    def _drained(self, connection: "psycopg.Connection") -> bool:
        """Take every waiting notification; tell whether one came from elsewhere."""
        found = False
        while (notification := connection.pgconn.notifies()) is not None:
            found = found or not self._is_mine(notification.be_pid)
        return found

    def _is_stopped(self, seconds: float) -> bool:
        readable, _, _ = select.select((self._stopped,), (), (), seconds)
        return bool(readable)
