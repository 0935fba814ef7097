"""Which approvals the courier has to look at, and when."""

import asyncio
from collections.abc import Callable

FIRST_WAIT = 1.0
"""Seconds before the first new attempt; each further one doubles, up to LONGEST_WAIT."""

LONGEST_WAIT = 10.0


class Backlog:
    """Approvals by the time from which they are due; one look covers all that came before it.

    `clock` returns seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._due: dict[str, float] = {}
        self._busy: set[str] = set()
        self._failures: dict[str, int] = {}
        self._woken = asyncio.Event()

    def __len__(self) -> int:
        """Count what is due, now or later."""
        return len(self._due)

    def add(self, approval: str, wait: float = 0.0) -> None:
        """Make an approval due in `wait` seconds, or sooner if it already is."""
        at = self._clock() + wait
        self._due[approval] = min(at, self._due.get(approval, at))
        self._woken.set()

    def take(self) -> str | None:
        """Return the approval that is due the longest and that nobody is busy with, or None."""
        free = (approval for approval in self._due if approval not in self._busy)
        first = min(free, key=self._due.__getitem__, default=None)
        if first is None or self._due[first] > self._clock():
            return None
        del self._due[first]
        self._busy.add(first)
        return first

    def done(self, approval: str) -> None:
        """Note that an approval was looked at and all is as it should be."""
        self._busy.discard(approval)
        self._failures.pop(approval, None)
        self._woken.set()

    def failed(self, approval: str, wait: float | None) -> None:
        """Make an approval due again, after `wait` seconds or a growing time."""
        failures = self._failures.get(approval, 0)
        self._failures[approval] = failures + 1
        self._busy.discard(approval)
        grown = min(FIRST_WAIT * 2.0 ** min(failures, 10), LONGEST_WAIT)
        self._due[approval] = self._clock() + (grown if wait is None else wait)
        self._woken.set()

    def hurry(self) -> None:
        """Make everything due now: what was in the way is gone."""
        now = self._clock()
        self._due = dict.fromkeys(self._due, now)
        self._failures.clear()
        self._woken.set()

    def clear(self) -> None:
        """Forget what is due; somebody else looks after it."""
        self._due.clear()
        self._failures.clear()

    async def wait(self, seconds: float) -> None:
        """Wait until something changes or is due, `seconds` at most."""
        self._woken.clear()
        now = self._clock()
        due = (at - now for approval, at in self._due.items() if approval not in self._busy)
        seconds = min(seconds, min(due, default=seconds))
        try:
            async with asyncio.timeout(max(seconds, 0.0)):
                await self._woken.wait()
        except TimeoutError:
            return
