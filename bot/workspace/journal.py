"""Keeps messages over a restart: a file of one JSON line per change, read at start."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO


class Journal:
    """An append-only file; a line cut off by a crash is dropped when it is read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: TextIO | None = None

    def read(self) -> Iterator[dict[str, Any]]:
        """Yield what was written before, oldest first."""
        if not self._path.exists():
            return
        with self._path.open(encoding="utf-8") as lines:
            for line in lines:
                if line.endswith("\n"):
                    yield json.loads(line)

    def rewrite(self, entries: Iterator[dict[str, Any]]) -> None:
        """Replace the whole file by these entries and keep it open for appending."""
        self.close()
        fresh = self._path.with_suffix(self._path.suffix + ".new")
        fresh.unlink(missing_ok=True)
        fresh.touch(mode=0o600)
        with fresh.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(entry) + "\n" for entry in entries)
        fresh.replace(self._path)
        self._file = self._path.open("a", encoding="utf-8")

    def append(self, entry: dict[str, Any]) -> None:
        """Write one entry and hand it to the operating system."""
        if self._file is not None:
            self._file.write(json.dumps(entry) + "\n")
            self._file.flush()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None
