"""Counts what must end before the process may."""

import asyncio
import contextlib
from types import TracebackType


class UnderWay:
    """The calls that are under way, as blocks; once `stopping`, no more should be taken."""

    def __init__(self) -> None:
        """Start with none."""
        self.stopping = False
        self._count = 0
        self._quiet = asyncio.Event()

    def __enter__(self) -> None:
        self._count += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._count -= 1
        if self.stopping and not self._count:
            self._quiet.set()

    @property
    def count(self) -> int:
        """How many are under way."""
        return self._count

    async def stop(self, seconds: float) -> None:
        """Be stopping from now on, and wait for those under way, at most `seconds`."""
        self.stopping = True
        if self._count:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._quiet.wait()
