"""Bounds how much of what one server says of itself is recorded: much at first, then little."""

from collections.abc import Callable

ROOM = 20 * 1024 * 1024
"""Bytes that a server has at first.

The largest list that is taken fits: 8 MiB, in 5,000 tools of `EVENT` each, and instructions.
"""

AN_HOUR = 1024 * 1024
"""Bytes that it gets back in an hour, until it has `ROOM` again.

They are some three hundred definitions as most servers have them; and a disk on which one
server takes 24 MiB a day lasts until somebody has heard of it.
"""

EVENT = 2048
"""Bytes that an event takes beside its text, with the later one that says that it is gone."""

_HOUR = 3600.0


class LearningPace:
    """How much of one server may be recorded now. A new process begins anew.

    Where there was not enough, nothing is recorded until there is as much as an hour
    brings: people who look at what is new are asked once an hour, not all the time.

    INVARIANT: from the begin until any later time, `ROOM` and `AN_HOUR` for each hour are
    taken at most.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        """Begin with all there is; `clock` returns seconds that never go back."""
        self._clock = clock
        self._left = float(ROOM)
        self._at = clock()
        self._rests = False

    def takes(self, size: int) -> bool:
        """Take room for an event with a text of `size` bytes; False where there is not enough."""
        now = self._clock()
        self._left = min(self._left + (now - self._at) * AN_HOUR / _HOUR, float(ROOM))
        self._at = now
        if self._rests and self._left < AN_HOUR:
            return False
        self._rests = size + EVENT > self._left
        if not self._rests:
            self._left -= size + EVENT
        return not self._rests

    def gives_back(self, size: int) -> None:
        """Give back what `takes` took for an event that was not recorded."""
        self._left += size + EVENT
