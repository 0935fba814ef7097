"""The demo's scratch folder: files that can be listed, read, written and deleted, and no others."""

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_LARGEST = 1024 * 1024
_MOST_FILES = 1000


class NotDone(Exception):
    """A tool could not do what was asked; the message is for the caller."""


class ScratchFolder:
    """One folder whose regular files can be listed, read, written and deleted.

    Nothing outside it can be reached: every step of a path is opened from the
    folder before it, and symbolic links are not followed.
    """

    def __init__(self, folder: Path) -> None:
        """Use `folder`, which must exist."""
        self._folder = folder

    def list_files(self, arguments: Mapping[str, Any]) -> str:
        """Return each file's path and size in bytes, one a line."""
        del arguments
        lines: list[str] = []
        for folder, _, names, opened in os.fwalk(self._folder, follow_symlinks=False):
            for name in names:
                found = os.stat(name, dir_fd=opened, follow_symlinks=False)
                if stat.S_ISREG(found.st_mode) and len(lines) < _MOST_FILES:
                    path = (Path(folder) / name).relative_to(self._folder)
                    lines.append(f"{path} ({found.st_size} bytes)")
        return "\n".join(sorted(lines)) or "the folder is empty"

    def read_file(self, arguments: Mapping[str, Any]) -> str:
        """Return a file's text. Raises NotDone."""
        with self._parent(arguments["path"]) as (parent, name):
            return _content(parent, name).decode(errors="replace")

    def write_file(self, arguments: Mapping[str, Any]) -> str:
        """Create a file, or replace its text and keep the old one. Raises NotDone."""
        content = str(arguments["content"]).encode()
        if len(content) > _LARGEST:
            raise NotDone("the content is above 1 MiB; write less")
        with self._parent(arguments["path"], create=True) as (parent, name):
            if name in os.listdir(parent):  # noqa: PTH208 (an open folder)
                _store(parent, f"{name}.previous", _content(parent, name))
            _store(parent, name, content)
        return f"wrote {len(content)} bytes to {arguments['path']}"

    def delete_file(self, arguments: Mapping[str, Any]) -> str:
        """Delete a file. Raises NotDone."""
        with self._parent(arguments["path"]) as (parent, name):
            os.close(_opened(parent, name, os.O_RDONLY))
            os.unlink(name, dir_fd=parent)
        return f"deleted {arguments['path']}"

    @contextmanager
    def _parent(self, path: str, *, create: bool = False) -> Iterator[tuple[int, str]]:
        """Open the folder that holds `path`; yield it and the file's name."""
        *folders, name = path.split("/")
        if any(part in {"", ".", ".."} or "\0" in part for part in (*folders, name)):
            raise NotDone("the path leaves the scratch folder; give a path inside it")
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
        opened = [os.open(self._folder, flags)]
        try:
            for part in folders:
                if create and part not in os.listdir(opened[-1]):  # noqa: PTH208 (an open folder)
                    os.mkdir(part, dir_fd=opened[-1])
                opened.append(os.open(part, flags, dir_fd=opened[-1]))
            yield opened[-1], name
        except (OSError, ValueError) as failed:
            said = failed.strerror if isinstance(failed, OSError) else "not a path"
            raise NotDone(f"`{path}`: {said}") from None
        finally:
            for descriptor in opened:
                os.close(descriptor)


def _opened(parent: int, name: str, flags: int) -> int:
    """Open a regular file of an open folder. Raises NotDone, OSError."""
    descriptor = os.open(
        name, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, mode=0o600, dir_fd=parent
    )
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotDone(f"`{name}` is not a file")
    return descriptor


def _content(parent: int, name: str) -> bytes:
    with os.fdopen(_opened(parent, name, os.O_RDONLY), "rb") as file:
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise NotDone(f"`{name}` is above 1 MiB")
    return content


def _store(parent: int, name: str, content: bytes) -> None:
    with os.fdopen(_opened(parent, name, os.O_WRONLY | os.O_CREAT), "wb") as file:
        file.truncate()
        file.write(content)
