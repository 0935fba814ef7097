"""Reads files that people name: their text, or what is wrong with them as files."""

import os
import stat
from pathlib import Path

from policies.values.problems import InvalidDocument, Problem
from policies.yaml.encoding import MOST_BYTES, decoded


def read_text(path: Path, *, file: str | None = None) -> str:
    """Return the text of a file; problems name it `file`, or else by its path.

    Raises InvalidDocument for what is no file, cannot be read, is not UTF-8 or is too long.
    """
    file = file or str(path)
    try:
        content = _content(path)
    except _NoFile as wrong:
        raise InvalidDocument([Problem(file, 1, 1, wrong.what, wrong.instead)]) from None
    return decoded(content, file=file)


class _NoFile(Exception):
    def __init__(self, what: str, instead: str) -> None:
        self.what = what
        self.instead = instead
        super().__init__(what)


def _content(path: Path) -> bytes:
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a pipe must not make us wait
    except FileNotFoundError:
        raise _NoFile(f"there is no file `{path}`", "write it, or name another") from None
    except ValueError:
        raise _NoFile(f"`{path}` is not a file's name", "name a file") from None
    except OSError as error:
        reason = (error.strerror or "unknown").lower()
        what = f"`{path}` cannot be read: {reason}"
        raise _NoFile(what, "mend that, or name another file") from None
    try:
        mode = os.fstat(opened).st_mode
        if stat.S_ISDIR(mode):
            raise _NoFile(f"`{path}` is a folder, not a file", "name a file in it")
        if not stat.S_ISREG(mode):
            raise _NoFile(f"`{path}` is not a plain file", "name a text file")
        with os.fdopen(opened, "rb", closefd=False) as file:
            return file.read(MOST_BYTES + 1)
    finally:
        os.close(opened)
