"""Tells when a server should be asked for its tools again."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from types import TracebackType
from typing import Self

from gateway.upstreams import UpstreamFailed


class Changes:
    """Hears, beside all else, when a server says that its tools changed.

    However often it says so while nobody looks, that is one change.
    """

    def __init__(self, heard: AsyncGenerator[None, None]) -> None:
        """Take what yields at each change; it is read from the begin of the block to its end."""
        self._heard = heard
        self._changed = asyncio.Event()
        self._hearing: asyncio.Task[None] | None = None
        self.ended_at: float | None = None

    async def __aenter__(self) -> Self:
        self._hearing = asyncio.create_task(self._hear())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        assert self._hearing is not None, "the block began"
        self._hearing.cancel()
        await asyncio.gather(self._hearing, return_exceptions=True)

    async def within(self, seconds: float) -> bool:
        """Wait for a change, and tell whether there was one. Raises UpstreamFailed."""
        assert self._hearing is not None, "the block began"
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        if self._hearing.done():
            self._hearing.result()
        heard = self._changed.is_set()
        self._changed.clear()
        return heard

    async def _hear(self) -> None:
        try:
            async with contextlib.aclosing(self._heard):
                async for _ in self._heard:
                    self._changed.set()
        except UpstreamFailed:
            self._changed.set()
            raise
        self.ended_at = asyncio.get_running_loop().time()


class Probes:
    """Says when to ask a server that ails: soon, and then less and less often."""

    def __init__(self, clock: Callable[[], float], first: float, longest: float) -> None:
        """Ask first after `first` seconds, and at least every `longest` seconds."""
        self._clock = clock
        self._first = first
        self._longest = longest
        self._pause = first
        self._at = clock() + first

    def due(self, *, ails: bool) -> bool:
        """Tell whether to ask now; it is then done."""
        now = self._clock()
        if not ails:
            self._pause = self._first
            self._at = now + self._first
        elif now >= self._at:
            self._pause = min(2 * self._pause, self._longest)
            self._at = now + self._pause
            return True
        return False
