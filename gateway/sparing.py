"""Lets a few things of a kind through in a while, and counts the rest."""

from collections.abc import Callable, Hashable

_MOST_KINDS = 1_000


class Sparing:
    """Passes `most` things of each kind in `within` seconds of `clock`."""

    def __init__(self, most: int, within: float, clock: Callable[[], float]) -> None:
        """Start with nothing passed."""
        self._most = most
        self._within = within
        self._clock = clock
        self._kinds: dict[Hashable, tuple[float, int]] = {}

    def passes(self, kind: Hashable) -> int | None:
        """Return None where this one is held back, else how many were since the last that passed.

        Of very many kinds at once the oldest are forgotten.
        """
        now = self._clock()
        since, count = self._kinds.get(kind, (now, 0))
        if now - since >= self._within:
            del self._kinds[kind]
            held_back, since, count = max(count - self._most, 0), now, 0
        else:
            held_back = 0
        self._kinds[kind] = (since, count + 1)
        if len(self._kinds) > _MOST_KINDS:
            del self._kinds[next(iter(self._kinds))]
        return held_back if count < self._most else None
