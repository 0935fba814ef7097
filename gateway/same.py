"""Remembers what was made of objects that come again and again."""

from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Same(Generic[K, V]):
    """What was made of the very same objects, which nobody changes.

    It holds so many of them; then it begins anew.
    """

    def __init__(self, make: Callable[[K], V], most: int) -> None:
        """Remember what `make` makes, of at most so many objects."""
        self._make = make
        self._most = most
        self._made: dict[int, tuple[K, V]] = {}

    def of(self, thing: K) -> V:
        """Return what is made of `thing`. Raises what making it raises."""
        known = self._made.get(id(thing))
        if known is not None:  # INVARIANT: no other object has this number while this one is held
            return known[1]
        made = self._make(thing)
        if len(self._made) >= self._most:
            self._made.clear()
        self._made[id(thing)] = (thing, made)
        return made
