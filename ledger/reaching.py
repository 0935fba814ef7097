"""Tells people how far a long reading has come, on the terminal's error side."""

import sys
import time
from collections.abc import Callable
from typing import TextIO

_EVERY_TERMINAL = 0.2
_EVERY_ELSEWHERE = 5.0


class Progress:
    """Counts positions: on one line of a terminal, else in a line every 5 seconds.

    Short readings that end before the first line is due show nothing.
    """

    def __init__(
        self, stream: TextIO | None = None, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Write to `stream`, by default the error stream; `monotonic` returns seconds."""
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty()
        self._every = _EVERY_TERMINAL if self._terminal else _EVERY_ELSEWHERE
        self._monotonic = monotonic
        self._began = self._shown = monotonic()
        self._line = ""

    def __call__(self, done: int, of: int) -> None:
        """Show that position `done` of `of` was reached, if a line is due."""
        now = self._monotonic()
        if now - self._shown < self._every:
            return
        self._shown = now
        rate = done / max(now - self._began, 0.001)
        percent = 100 * done // max(of, 1)
        line = f"{done} of {of} events, {percent} %, {rate:.0f} a second"
        if self._terminal:
            self._stream.write("\r" + line.ljust(len(self._line)))
        else:
            self._stream.write(line + "\n")
        self._stream.flush()
        self._line = line

    def clear(self) -> None:
        """Take the line off the terminal."""
        if self._terminal and self._line:
            self._stream.write("\r" + " " * len(self._line) + "\r")
            self._stream.flush()
