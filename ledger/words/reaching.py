"""Tells people how far a long reading has come, on the terminal's error side."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from policies.values.refusals import Refused

_EVERY_TERMINAL = 0.2
_EVERY_ELSEWHERE = 5.0


class Interrupted(Refused):
    """The person at the terminal has had enough."""


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
        self._stopped = False

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Take the line away at the end; an interrupt ends the reading, which may be in a thread.

        Raises Interrupted.
        """
        try:
            yield
        except KeyboardInterrupt:
            self._stopped = True
            raise Interrupted("interrupted; nothing was changed") from None
        finally:
            self._clear()

    def __call__(self, done: int, of: int) -> None:
        """Show that position `done` of `of` was reached, if a line is due. Raises Interrupted."""
        if self._stopped:
            raise Interrupted("interrupted")
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

    def _clear(self) -> None:
        if self._terminal and self._line:
            self._stream.write("\r" + " " * len(self._line) + "\r")
            self._stream.flush()
