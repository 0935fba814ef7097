"""Remembers what was made of objects that come again and again."""

import weakref
from collections.abc import Callable
from functools import partial
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Same(Generic[K, V]):
    """What was made of the very same objects, which nobody changes, for as long as each is there.

    It holds so many of them; then it begins anew.
    """

    def __init__(self, make: Callable[[K], V], most: int) -> None:
        """Remember what `make` makes, of at most so many objects."""
        self._make = make
        self._most = most
        self._made: dict[int, tuple[weakref.ref[K], V]] = {}

    def of(self, thing: K) -> V:
        """Return what is made of `thing`. Raises what making it raises."""
        number = id(thing)
        known = self._made.get(number)
        if known is not None:  # INVARIANT: it is gone before another object can have this number
            return known[1]
        made = self._make(thing)
        if len(self._made) >= self._most:
            self._made.clear()
        self._made[number] = weakref.ref(thing, partial(self._made.pop, number)), made
        return made
