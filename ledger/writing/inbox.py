"""Holds the commands that wait for the writer: a bounded queue that is emptied in one go."""

import asyncio
import concurrent.futures
import contextlib
from collections import deque
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Lock
from typing import NamedTuple, TypeAlias

from ledger.events.envelopes import Command, Recorded
from ledger.unavailable import LedgerUnavailable, NotRecorded

Events: TypeAlias = tuple[Recorded, ...]


class Hearer:
    """Stands in for a future where nobody waits: `hear` is called with the outcome.

    That costs an event loop nothing. It must neither block nor raise.
    """

    __slots__ = ("set_exception", "set_result")

    def __init__(self, hear: Callable[[Events | BaseException], None]) -> None:
        """Let `hear` have the events, or why there are none."""
        self.set_result: Callable[[Events], None] = hear
        self.set_exception: Callable[[BaseException], None] = hear

    def done(self) -> bool:
        """Tell that nothing was heard yet: each command has one outcome."""
        return False

    def cancelled(self) -> bool:
        """Tell that it is still to be recorded."""
        return False


class Waiting(NamedTuple):
    """A command and whoever waits for it; `since` is a monotonic time in seconds.

    `loop` is the event loop on which `future` is resolved, None for a thread
    that waits.
    """

    command: Command
    since: float
    future: "asyncio.Future[Events] | concurrent.futures.Future[Events] | Hearer"
    loop: asyncio.AbstractEventLoop | None = None


class Inbox:
    """A queue between any number of callers and the one writer.

    What is put in waits until somebody wakes the writer, or until it looks by
    itself, each second.
    """

    def __init__(self, capacity: int) -> None:
        """Hold at most `capacity` commands."""
        self._capacity = capacity
        self._waiting: deque[Waiting] = deque()
        self._bell: SimpleQueue[None] = SimpleQueue()
        self._lock = Lock()
        self._rung = False
        self._closed = False
        self.crowd = 0

    @property
    def depth(self) -> int:
        """How many commands wait."""
        return len(self._waiting)

    @property
    def ready(self) -> bool:
        """Whether the next `take` returns something at once; for the one who takes."""
        return self._rung and bool(self._waiting)

    @property
    def finished(self) -> bool:
        """Whether nothing is taken in any more and everything was given out."""
        with self._lock:
            return self._closed and not self._waiting

    def put(self, waiting: Waiting) -> None:
        """Take in a command. Raises LedgerUnavailable where it is full or closed."""
        with self._lock:
            if self._closed:
                raise LedgerUnavailable("the ledger is closed; nothing was recorded")
            if len(self._waiting) >= self._capacity:
                raise NotRecorded("the ledger is busy; nothing was recorded, try again")
            self._waiting.append(waiting)

    def take(self, most: int, seconds: float) -> list[Waiting]:
        """Return what waits, up to `most` and in order, when woken or after `seconds`.

        `crowd` is then how many there were.
        """
        with contextlib.suppress(Empty):
            self._bell.get(timeout=seconds)
        self._rung = False
        taken = [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
        self.crowd = len(taken)
        if self._waiting:
            self.wake()
        return taken

    def wake(self) -> None:
        """Let the writer take what waits, or look at the head row, now."""
        with self._lock:
            if not self._rung:
                self._rung = True
                self._bell.put(None)

    def close(self) -> None:
        """Take nothing in any more; what waits is still given out."""
        with self._lock:
            self._closed = True
        self.wake()
