"""Holds the commands that wait for the writer: a bounded queue that is emptied in one go."""

import asyncio
import concurrent.futures
import time
from collections import deque
from dataclasses import dataclass
from threading import Condition
from typing import TypeAlias

from ledger.envelopes import Command, Recorded
from ledger.unavailable import LedgerUnavailable

_MOMENT = 0.0005
"""Seconds in which a caller that was just answered may come again."""

_MOMENTS = 4
_CROWD = 2

Events: TypeAlias = tuple[Recorded, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Waiting:
    """A command and whoever waits for it; `since` is a monotonic time in seconds.

    `loop` is the event loop on which `future` is resolved, None for a thread
    that waits.
    """

    command: Command
    since: float
    future: "asyncio.Future[Events] | concurrent.futures.Future[Events]"
    loop: asyncio.AbstractEventLoop | None = None


class Inbox:
    """A queue between any number of callers and the one writer."""

    def __init__(self, capacity: int) -> None:
        """Hold at most `capacity` commands."""
        self._capacity = capacity
        self._waiting: deque[Waiting] = deque()
        self._changed = Condition()
        self._woken = False
        self._closed = False
        self._crowd = 0

    @property
    def finished(self) -> bool:
        """Whether nothing is taken in any more and everything was given out."""
        with self._changed:
            return self._closed and not self._waiting

    def put(self, waiting: Waiting) -> None:
        """Take in a command. Raises LedgerUnavailable where it is full or closed."""
        with self._changed:
            if self._closed:
                raise LedgerUnavailable("the ledger is closed; nothing was recorded")
            if len(self._waiting) >= self._capacity:
                raise LedgerUnavailable("the ledger is busy; nothing was recorded, try again")
            self._waiting.append(waiting)
            self._changed.notify()

    def take(self, most: int, seconds: float) -> list[Waiting]:
        """Return what waits, up to `most`, in order; empty when woken or after `seconds`.

        Where many came at once the last time, the same callers are given a
        moment to come again: a transaction costs more than that moment.
        """
        with self._changed:
            if not (self._waiting or self._woken or self._closed):
                self._changed.wait(seconds)
            self._woken = False
        self._gather(min(most, self._crowd))
        with self._changed:
            taken = [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
        self._crowd = len(taken)
        return taken

    def _gather(self, crowd: int) -> None:
        """Wait a few moments while commands keep coming, until there are `crowd` of them."""
        before = 0
        for _ in range(_MOMENTS if crowd >= _CROWD else 0):
            if not before < len(self._waiting) < crowd:
                return
            before = len(self._waiting)
            time.sleep(_MOMENT)

    def wake(self) -> None:
        """Let the writer look at the head row now."""
        with self._changed:
            self._woken = True
            self._changed.notify()

    def close(self) -> None:
        """Take nothing in any more; what waits is still given out."""
        with self._changed:
            self._closed = True
            self._changed.notify()
