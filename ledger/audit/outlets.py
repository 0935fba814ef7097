"""Where exported lines go: standard output, or a file that is only ever added to."""

import os
import select
import stat
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from ledger.shell import Unsaid
from policies.values.refusals import Refused

_STANDARD = 1

_CHUNK = 65_536


@dataclass(frozen=True)
class Form:
    """How any output of a format begins: with these characters, or with this line first."""

    begins: str
    header: str = ""


class Outlet:
    """An open output.

    A file that is moved away or deleted meanwhile, as rotation does, is begun
    anew at the next lines.
    """

    def __init__(self, path: Path | None, form: Form, *, resumed: bool = False) -> None:
        """Open `path`, standard output where it is None; `resumed` goes on with a file.

        Whoever resumes has said what came before: a last line that was torn by
        a crash is taken away. Raises Refused, also where a file is no export.
        """
        self._path = path
        self._form = form
        self._file = -1
        self._open(resumed=resumed)

    @property
    def terminal(self) -> bool:
        """Whether a person is looking at the lines."""
        return os.isatty(self._file)

    def abandoned(self) -> bool:
        """Tell whether nobody will ever read what is written: the other end of a pipe is closed."""
        ends = select.poll()
        ends.register(self._file, 0)
        return any(found & (select.POLLERR | select.POLLHUP) for _, found in ends.poll(0))

    def write(self, lines: Sequence[str]) -> None:
        """Write the lines; those in a file are on disk when it returns.

        Raises Refused, and BrokenPipeError where nobody reads any more.
        """
        try:
            if self._path is not None and not self._in_place():
                self.close()
                self._open(resumed=True)
            self._put("".join(f"{line}\n" for line in lines).encode())
            if self._regular:
                os.fsync(self._file)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise self._unusable(error) from error

    def close(self) -> None:
        """Close the file; standard output stays open."""
        if self._path is not None:
            os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self, *, resumed: bool) -> None:
        try:
            if self._path is None:
                if sys.stdout is None:  # its number may be another file's by now
                    raise Unsaid("the output is closed, so nothing can be said")
                sys.stdout.flush()
                self._file = _STANDARD
            else:
                flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
                self._file = os.open(self._path, flags, 0o600)
            found = os.fstat(self._file)
            self._regular = stat.S_ISREG(found.st_mode)
            begun = resumed
            if self._path is not None and self._regular:
                begun = self._whole(self._path, found.st_size, resumed=resumed) > 0
            if self._form.header and not begun:
                self._put(f"{self._form.header}\n".encode())
        except BrokenPipeError:
            raise
        except OSError as error:
            raise self._unusable(error) from error

    def _whole(self, path: Path, size: int, *, resumed: bool) -> int:
        """Take a torn last line away, and return the size that is left."""
        if size and not resumed:
            raise Refused(
                f"`{path}` is not empty, and no cursor says what is in it:"
                " move it away, or name another file"
            )
        with path.open("rb") as opened:
            begins = self._form.begins.encode()[:size]
            if opened.read(len(begins)) != begins:
                raise Refused(f"`{path}` is no export of this format: name another file")
            while size:
                start = max(size - _CHUNK, 0)
                opened.seek(start)
                end = start + opened.read(size - start).rfind(b"\n") + 1
                if end > start:
                    os.ftruncate(self._file, end)
                    return end
                size = start
            os.ftruncate(self._file, 0)
        return 0

    def _in_place(self) -> bool:
        assert self._path is not None, "standard output has no place"
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return False
        own = os.fstat(self._file)
        return (found.st_dev, found.st_ino) == (own.st_dev, own.st_ino)

    def _put(self, text: bytes) -> None:
        left = memoryview(text)
        while left:
            try:
                left = left[os.write(self._file, left) :]
            except BlockingIOError:  # whoever gave us the pipe does not want it to block
                select.select([], [self._file], [])

    def _unusable(self, error: OSError) -> Refused:
        where = "standard output" if self._path is None else f"`{self._path}`"
        return Unsaid(f"{where} cannot be written: {error.strerror}")
