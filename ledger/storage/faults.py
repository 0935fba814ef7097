"""Says in plain words why the database took nothing, without what only operators may see."""

from eventsourcing.persistence import MapperDeserialisationError
from pydantic import ValidationError
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError

from ledger.storage.pooling import LENT
from ledger.unavailable import Altered, LedgerUnavailable
from policies.values.refusals import Refused

DATABASE_ERRORS = (SQLAlchemyError, UnicodeDecodeError)
"""What a database raises: what SQLite says of a damaged file may be no text itself."""

_MEANINGLESS = (MapperDeserialisationError, ValidationError)

READING_ERRORS = (*DATABASE_ERRORS, *_MEANINGLESS)
"""What a read raises: what a database does, and what an event or a row does that says nothing."""

_FULL = "its disk is full"
_READ_ONLY = "it is read-only"
_BUSY = "another process holds it"
_DAMAGED = "its file is damaged; stop Placet and restore a backup"
_FAILING = "its disk cannot be read or written"
_UNOPENED = "its file, or one beside it, cannot be opened"
_GONE = "its database does not answer"
_FORBIDDEN = "its database does not let the user of `ledger.url` do that"
_BEHIND = (
    "the standby that was read gave it up to catch up with its primary;"
    " set `hot_standby_feedback = on` on it"
)
_ERRED = "its database answers with an error"

_STATES = {
    "53100": _FULL,
    "25006": _READ_ONLY,
    "55P03": _BUSY,
    "57014": _BUSY,
    "42501": _FORBIDDEN,
    "26000": LENT,  # no such prepared statement
    "42P05": LENT,  # such a one is there already
    "40001": _BEHIND,  # nothing that Placet does on a primary is serializable
    "SQLITE_IOERR_SHMSIZE": _FULL,
}
"""PostgreSQL's error codes (appendix A of its manual), and SQLite's where its words say less."""

_WORDS = {
    "database or disk is full": _FULL,
    "No space left on device": _FULL,
    "attempt to write a readonly database": _READ_ONLY,
    "database is locked": _BUSY,
    "disk I/O error": _FAILING,
    "unable to open database file": _UNOPENED,
    "Is a directory": _UNOPENED,
    "disk image is malformed": _DAMAGED,
    "file is not a database": _DAMAGED,
    "malformed database schema": _DAMAGED,
    "unsupported file format": _DAMAGED,
    "Could not decode to UTF-8": _DAMAGED,
    "codec can't decode": _DAMAGED,
}
"""SQLite's messages (sqlite3_errstr), and what the system says of a file beside it."""


_AWAY = ("08", "53", "57", "58", "XX")
"""Classes of PostgreSQL's codes that say that it cannot go on, whatever it was asked."""


def is_down(error: BaseException) -> bool:
    """Tell whether the database is gone, full, locked or read-only: not what one command did."""
    return isinstance(error, DBAPIError) and not isinstance(error, DataError | IntegrityError)


def is_lost(error: BaseException) -> bool:
    """Tell whether the connection was lost, so that a new one may well work."""
    return isinstance(error, DBAPIError) and error.connection_invalidated


def is_gone(error: BaseException) -> bool:
    """Tell whether the database does not answer, and says not even why it takes nothing."""
    return because(error) is _GONE


def because(error: BaseException) -> str:
    """Return why the ledger cannot be written, for anybody."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    state = getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None)
    if state in _STATES:
        return _STATES[state]
    said = str(cause)
    other = _ERRED if _is_erred(cause) else _GONE
    return next((plain for words, plain in _WORDS.items() if words in said), other)


def explained(error: BaseException) -> str:
    """Return why the ledger cannot be had, for operators: also in the driver's words if need be."""
    why = because(error)
    return f"{why}: {verbatim(error)}" if why in {_GONE, _FORBIDDEN, _ERRED} else why


def unread(error: BaseException) -> Refused:
    """Return the refusal of a read: of what no ledger can hold, or as nothing can be read now.

    It is Altered where the ledger holds what no event or row of this version is.
    """
    if isinstance(error, _MEANINGLESS):
        return Altered(
            "the ledger holds what cannot be read: it was changed, or a newer Placet wrote it;"
            " `placet audit verify` and `placet audit projections` name what was changed"
        )
    if isinstance(error, DataError):  # PostgreSQL takes no NUL, not even to look for it
        return Refused("what is looked for is nothing that a ledger can hold")
    return LedgerUnavailable(f"the ledger cannot be read: {because(error)}")


def verbatim(error: BaseException) -> str:
    """Return what the driver said, on one line, for operators."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    return " ".join(str(cause).split()) or type(cause).__name__


def _is_erred(cause: BaseException | None) -> bool:
    """Tell whether PostgreSQL is there, and takes what it was asked for wrong."""
    state = getattr(cause, "sqlstate", None)
    return state is not None and not state.startswith(_AWAY)
