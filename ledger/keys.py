"""Keeps the keys of the digests: in a private file beside SQLite, in the configuration else."""

import os
import secrets
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from sqlalchemy import inspect, select

from ledger.storage.addresses import sqlite_file
from ledger.storage.databases import connect_to_read
from ledger.storage.faults import DATABASE_ERRORS, explained
from ledger.storage.tables import CHECKPOINT
from ledger.unavailable import LedgerUnavailable
from policies.values.digests import DigestKey, digest_key
from policies.values.refusals import Refused

_SECRET_BYTES = 32

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class KeyUnusable(Refused):
    """The key of the digests is missing, or others can read it."""


def digest_keys(url: str, current: str | None, old: Sequence[str] = ()) -> tuple[DigestKey, ...]:
    """Return the keys of the ledger at `url`, the one in force first, then the old ones.

    `current` and `old` are the configuration's secrets. Without them SQLite
    has its key in `<file>.key`, made on first use: one secret a line, the
    first in force. None is made for a history that is sealed already, which
    needs the one that was there. Raises KeyUnusable, WeakSecret and
    LedgerUnavailable.
    """
    if current is not None:
        return tuple(digest_key(secret) for secret in (current, *old))
    path = _file(url)
    if path is None:
        raise KeyUnusable(
            "with PostgreSQL the key of the digests has to be configured:"
            " set `ledger.digest_key` to a secret made with `openssl rand -hex 32`"
        )
    if not path.exists() and _is_sealed(url) and not path.exists():
        raise KeyUnusable(
            f"`{path}` is gone, and the history is sealed with the key in it: put the file back;"
            " docs/operations.md says what to do where it is lost for good"
        )
    with suppress(FileExistsError):
        _make(path)
    return tuple(digest_key(secret) for secret in (*_read(path), *old))


def kept_keys(url: str, current: str | None, old: Sequence[str] = ()) -> tuple[DigestKey, ...]:
    """Return the same keys as far as they are there already; nothing is made.

    Raises KeyUnusable and WeakSecret.
    """
    path = _file(url)
    if current is None and (path is None or not path.exists()):
        return tuple(digest_key(secret) for secret in old)
    return digest_keys(url, current, old)


def _file(url: str) -> Path | None:
    """Return the file of the keys beside SQLite, None on PostgreSQL."""
    path = sqlite_file(url)
    return path and path.with_name(f"{path.name}.key")


def _is_sealed(url: str) -> bool:
    """Tell whether the ledger at `url` has a checkpoint. Raises LedgerUnavailable."""
    path = sqlite_file(url)
    if path is None or not path.exists():
        return False
    database = connect_to_read(url)
    try:
        with database.reading.connect() as connection:
            there = inspect(connection).has_table(CHECKPOINT.name)
            return there and connection.execute(select(CHECKPOINT.c.size)).first() is not None
    except DATABASE_ERRORS as error:
        raise LedgerUnavailable(f"the ledger cannot be read: {explained(error)}") from error
    finally:
        database.close()


def _read(path: Path) -> list[str]:
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(file) as opened:
            if os.fstat(file).st_mode & _OTHERS:
                raise KeyUnusable(f"others can read `{path}`: run `chmod 600 {path}`")
            found = opened.read().split()
    except OSError as error:
        raise KeyUnusable(f"`{path}` cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise KeyUnusable(f"`{path}` holds no key: put the one back that was in it") from error
    if not found:
        raise KeyUnusable(f"`{path}` is empty: put the key back that was in it")
    return found


def _make(path: Path) -> None:
    """Write a new key to `path`, whole or not at all. Raises FileExistsError where there is one."""
    if path.exists():
        raise FileExistsError(path)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(file, "w") as opened:
            opened.write(f"{secrets.token_hex(_SECRET_BYTES)}\n")
            opened.flush()
            os.fsync(file)
        os.link(draft, path)
    except FileExistsError:
        raise
    except OSError as error:
        raise KeyUnusable(f"`{path}` cannot be written: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)
