"""Tells those who listen with a key or a token that it is good no more."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator


class Departures:
    """Who listens with which key, by the key's SHA-256 in hex; used on one event loop."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self._listening: dict[str, set[Callable[[], object]]] = {}

    @contextlib.contextmanager
    def told(self, key: str, leave: Callable[[], object]) -> Iterator[None]:
        """Have `leave` called, once, where the key ends within the block."""
        listeners = self._listening.setdefault(key, set())
        listeners.add(leave)
        try:
            yield
        finally:
            listeners.discard(leave)
            if not listeners and self._listening.get(key) is listeners:
                del self._listening[key]

    def end(self, key: str) -> None:
        """Tell everybody who listens with the key."""
        for leave in self._listening.pop(key, ()):
            leave()

    def end_in(self, key: str, seconds: float) -> None:
        """Tell them in so many seconds, where anybody listens."""
        if key in self._listening:
            asyncio.get_running_loop().call_later(max(seconds, 0), self.end, key)


@contextlib.contextmanager
def told_in(seconds: float, leave: Callable[[], object]) -> Iterator[None]:
    """Have `leave` called in so many seconds, where the block lasts that long."""
    end = asyncio.get_running_loop().call_later(max(seconds, 0), leave)
    try:
        yield
    finally:
        end.cancel()
