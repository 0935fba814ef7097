"""A connection to PostgreSQL that waits for each answer for so long and no longer.

The time limits of PostgreSQL count only where it runs: one that hangs, or a
disk or a proxy in between that does, keeps the connection and says nothing.
"""

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from threading import get_ident
from types import MappingProxyType
from typing import Any, TypeVar

from psycopg import Connection, Error, OperationalError
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus

_Found = TypeVar("_Found")


class PatientConnection(Connection[Any]):
    """Waits `patience` seconds for the answer to each statement, and is closed where none comes.

    A statement may then have had its effect or not, as where the connection is lost.
    Threads of which `hurried` has the seconds, by their numbers, wait no longer than that.
    """

    patience = 35.0
    """Longer than any statement takes, by its `statement_timeout`."""

    hurried: Mapping[int, float] = MappingProxyType({})

    def wait(
        self, gen: PQGen[_Found], interval: float = 0.1, timeout: float | None = None
    ) -> _Found:
        """Wait for an answer. Raises OperationalError where it is not there in time.

        Source: https://www.psycopg.org/psycopg3/docs/api/connections.html
        """
        hurried = self.hurried.get(get_ident(), self.patience)
        patience = min(hurried, self.patience) if timeout is None else timeout
        try:
            return super().wait(gen, interval, patience)
        except OperationalError as error:
            if self.pgconn.transaction_status != TransactionStatus.ACTIVE:
                raise
            self.pgconn.finish()
            raise OperationalError(f"no answer within {patience:g} s") from error

    def hang_up(self) -> None:
        """Have whoever waits for an answer, in another thread, find the connection lost."""
        with suppress(Error, OSError), socket.socket(fileno=os.dup(self.fileno())) as line:
            line.shutdown(socket.SHUT_RDWR)
