"""Keeps in a file how far an export came, and tells whether the ledger is still the same one."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import Connection, select

from ledger.readings.moments import head
from ledger.storage.tables import EVENT
from policies.values.refusals import NotUnderstood, Refused

_LONGEST = 1_000


class Mark(BaseModel):
    """A position, and the leaf hash of its event in hex: that tells it from any other event.

    Position 0 is before the first event and has no leaf hash.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    position: int = Field(ge=0, lt=10**18)
    leaf_hash: str


def mark_at(connection: Connection, position: int) -> Mark:
    """Return the mark of a position; without a leaf hash where there is no such event."""
    query = select(EVENT.c.leaf_hash).where(EVENT.c.position == position)
    found = connection.execute(query).scalar()
    return Mark(position=position, leaf_hash="" if found is None else bytes(found).hex())


def verify(connection: Connection, mark: Mark) -> None:
    """Refuse where the ledger's history is not the one that `mark` was set in."""
    last = head(connection)
    if mark.position > last:
        raise Refused(
            f"the ledger ends at position {last}, and it was exported up to {mark.position}:"
            " its end was cut off, or this is another ledger; look into that,"
            " then begin anew with another cursor"
        )
    if mark_at(connection, mark.position) != mark:
        raise Refused(
            f"the event at position {mark.position} is not the one that was exported:"
            " this is another ledger, or its history was rewritten; look into that,"
            " then begin anew with another cursor"
        )


class Cursor:
    """The file of a mark, which one export at a time may have.

    `mark` is None where the file is not there yet. A file beside it, with
    `.lock` at the end of its name, is what keeps others out.
    """

    def __init__(self, path: Path) -> None:
        """Take the file. Raises Refused where another has it, or where it is no cursor."""
        self._path = path.resolve()
        try:
            self._lock = os.open(_beside(self._path, ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise _unusable(path, error) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.mark = _read(self._path)
        except BlockingIOError as error:
            self.close()
            raise Refused(f"another export has the cursor `{path}`: stop that first") from error
        except BaseException:
            self.close()
            raise

    def move(self, mark: Mark) -> None:
        """Write the mark, whole or not at all; on disk when it returns. Raises Refused."""
        draft = _beside(self._path, ".new")
        try:
            file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
            with os.fdopen(file, "w") as opened:
                opened.write(mark.model_dump_json() + "\n")
                opened.flush()
                os.fsync(file)
            draft.replace(self._path)
            _keep_names(self._path.parent)
        except OSError as error:
            raise _unusable(self._path, error) from error
        self.mark = mark

    def close(self) -> None:
        """Let another export have it."""
        os.close(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _read(path: Path) -> Mark | None:
    try:
        with path.open("rb") as opened:
            text = opened.read(_LONGEST)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable(path, error) from error
    with suppress(ValidationError):
        return Mark.model_validate_json(text)
    raise Refused(f"`{path}` is no cursor of `placet audit export`; name another file")


def _keep_names(folder: Path) -> None:
    """Bring a folder's names to the disk: of a replaced file, the content alone is there."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _unusable(path: Path, error: OSError) -> NotUnderstood:
    return NotUnderstood(f"the cursor `{path}` cannot be used: {error.strerror}; name another file")
