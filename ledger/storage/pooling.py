"""Notices a pooler before PostgreSQL that lends its connections by the transaction."""

from sqlalchemy import Connection

from ledger.unavailable import LedgerUnavailable

LENT = (
    "a pooler lends its connections to PostgreSQL by the transaction: have it lend them by the"
    " session (`pool_mode = session`), or name PostgreSQL itself in `ledger.url`"
)
"""What is set, prepared or listened for on such a connection is lost, or is another's."""


def check_own(waiting: Connection, begin: Connection) -> None:
    """Raise LedgerUnavailable where `waiting` loses its server to the transaction of `begin`.

    A pooler of that kind gives the one that was used last, which a connection of
    its own never lets go of.
    """
    before = _server(waiting)
    _server(begin)
    if _server(waiting) != before:
        raise LedgerUnavailable(LENT)


def _server(connection: Connection) -> int:
    """Return the number of the process of PostgreSQL that serves a connection now."""
    return int(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())
