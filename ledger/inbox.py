"""Holds the commands that wait for the writer: a bounded queue that is emptied in one go."""

import asyncio
import concurrent.futures
import contextlib
from collections import deque
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Lock
from typing import NamedTuple, TypeAlias

from ledger.envelopes import Command, Recorded
from ledger.unavailable import LedgerUnavailable

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

    Patient commands do not wake the writer: they go with the next that does.
    """

    def __init__(self, capacity: int) -> None:
        """Hold at most `capacity` commands."""
        self._capacity = capacity
        self._urgent: SimpleQueue[Waiting | None] = SimpleQueue()
        self._patient: deque[Waiting] = deque()
        self._lock = Lock()
        self._woken = False
        self._closed = False

    @property
    def depth(self) -> int:
        """How many commands wait."""
        return self._urgent.qsize() - self._woken + len(self._patient)

    @property
    def finished(self) -> bool:
        """Whether nothing is taken in any more and everything was given out."""
        with self._lock:
            return self._closed and self._urgent.empty() and not self._patient

    def put(self, waiting: Waiting, *, patient: bool = False) -> None:
        """Take in a command. Raises LedgerUnavailable where it is full or closed."""
        with self._lock:
            if self._closed:
                raise LedgerUnavailable("the ledger is closed; nothing was recorded")
            if self.depth >= self._capacity:
                raise LedgerUnavailable("the ledger is busy; nothing was recorded, try again")
            if patient:
                self._patient.append(waiting)
            else:
                self._urgent.put(waiting)

    def take(self, most: int, seconds: float) -> list[Waiting]:
        """Return what waits, up to `most`: patient ones first, as they are older.

        Of many each kind gets half at least. Empty when woken or after `seconds`.
        """
        room = most - min(len(self._patient), most // 2)
        urgent: list[Waiting] = []
        with contextlib.suppress(Empty):
            self._add(urgent, self._urgent.get(timeout=seconds))
            while len(urgent) < room:
                self._add(urgent, self._urgent.get_nowait())
        room = min(most - len(urgent), len(self._patient))
        return [*(self._patient.popleft() for _ in range(room)), *urgent]

    def _add(self, taken: list[Waiting], found: Waiting | None) -> None:
        if found is None:
            self._woken = False
        else:
            taken.append(found)

    def hurry(self) -> None:
        """Wake the writer if patient commands wait."""
        if self._patient:
            self.wake()

    def wake(self) -> None:
        """Let the writer look at the head row now."""
        with self._lock:
            if not self._woken:
                self._woken = True
                self._urgent.put(None)

    def close(self) -> None:
        """Take nothing in any more; what waits is still given out."""
        with self._lock:
            self._closed = True
        self.wake()
