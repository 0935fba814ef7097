"""Keeps a server that changes all the time from filling its team's channel."""

from collections.abc import Callable

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 900.0


class ReviewPace:
    """Says when the next card about a server's tools may be posted.

    The first comes at once; each further one waits twice as long as the one
    before it, up to 15 minutes, until nothing was posted for half an hour.
    `clock` returns seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        """Begin without cards."""
        self._clock = clock
        self._posted: dict[str, tuple[float, float]] = {}

    def wait(self, server: str) -> float:
        """Return the seconds until a card may be posted; 0.0 where that is now."""
        at, pause = self._posted.get(server, (0.0, 0.0))
        return max(at + pause - self._clock(), 0.0) if pause else 0.0

    def posted(self, server: str) -> None:
        """Note that a card was posted."""
        now = self._clock()
        at, pause = self._posted.get(server, (now, 0.0))
        calm = now - at > 2 * LONGEST_PAUSE
        longer = FIRST_PAUSE if calm or not pause else min(2 * pause, LONGEST_PAUSE)
        self._posted[server] = (now, longer)
