"""Which approvals the courier has to look at, and when."""

import asyncio
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from itertools import count

FIRST_WAIT = 1.0
"""Seconds before the first new attempt; each further one doubles, up to LONGEST_WAIT."""

LONGEST_WAIT = 10.0

_STALE = 64
"""So many more than twice the entries that count are in the line before it is tidied."""


class Backlog:
    """Approvals by the time from which they are due; one look covers all that came before it.

    Thousands may wait, so a heap tells the next one. `clock` returns seconds
    that never go back.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._due: dict[str, float] = {}
        self._line: list[tuple[float, int, str]] = []
        self._arrivals = count()
        self._busy: set[str] = set()
        self._failures: dict[str, int] = {}
        self._woken = asyncio.Event()

    def __len__(self) -> int:
        """Count what is due, now or later."""
        return len(self._due)

    def add(self, approval: str, wait: float = 0.0) -> None:
        """Make an approval due in `wait` seconds, or sooner if it already is."""
        at = self._clock() + wait
        if at < self._due.get(approval, float("inf")):
            self._set(approval, at)
        self._woken.set()

    def take(self) -> str | None:
        """Return the approval that is due the longest and that nobody is busy with, or None."""
        first = self._first()
        if first is None or self._due[first] > self._clock():
            return None
        del self._due[first]
        self._busy.add(first)
        return first

    def done(self, approval: str) -> None:
        """Note that an approval was looked at and all is as it should be."""
        self._busy.discard(approval)
        self._failures.pop(approval, None)
        if approval in self._due:
            self._set(approval, self._due[approval])
        self._woken.set()

    def failed(self, approval: str, wait: float | None) -> None:
        """Make an approval due again, after `wait` seconds or a growing time."""
        failures = self._failures.get(approval, 0)
        self._failures[approval] = failures + 1
        self._busy.discard(approval)
        grown = min(FIRST_WAIT * 2.0 ** min(failures, 10), LONGEST_WAIT)
        self._set(approval, self._clock() + (grown if wait is None else wait))
        self._woken.set()

    def hurry(self) -> None:
        """Make everything due now: what was in the way is gone."""
        now = self._clock()
        self._due = dict.fromkeys(self._due, now)
        self._tidy()
        self._failures.clear()
        self._woken.set()

    def clear(self) -> None:
        """Forget what is due; somebody else looks after it."""
        self._due.clear()
        self._line.clear()
        self._failures.clear()

    def wake(self) -> None:
        """Let who waits look again."""
        self._woken.set()

    async def wait(self, seconds: float, *, for_due: bool = True) -> None:
        """Wait until something changes or, with `for_due`, is due; `seconds` at most."""
        self._woken.clear()
        first = self._first() if for_due else None
        if first is not None:
            seconds = min(seconds, self._due[first] - self._clock())
        try:
            async with asyncio.timeout(max(seconds, 0.0)):
                await self._woken.wait()
        except TimeoutError:
            return

    def _set(self, approval: str, at: float) -> None:
        self._due[approval] = at
        if len(self._line) > 2 * len(self._due) + _STALE:
            self._tidy()
        else:
            heappush(self._line, (at, next(self._arrivals), approval))

    def _first(self) -> str | None:
        """Return what is due first of all that nobody is busy with; `done` lines those up anew."""
        while self._line:
            at, _, approval = self._line[0]
            if self._due.get(approval) == at and approval not in self._busy:
                return approval
            heappop(self._line)
        return None

    def _tidy(self) -> None:
        self._line = [(at, next(self._arrivals), each) for each, at in self._due.items()]
        heapify(self._line)
