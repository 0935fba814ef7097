"""Closes many things at once, so that what is slow to end keeps nothing else waiting."""

import asyncio
from collections.abc import Iterable
from typing import Protocol


class Closing(Protocol):
    """Something that takes its time to close."""

    async def close(self) -> None:
        """Close it."""
        ...


async def close_all(things: Iterable[Closing]) -> None:
    """Close things at once, all of them; then raise what the first one raised that failed."""
    ends = await asyncio.gather(*(thing.close() for thing in things), return_exceptions=True)
    for end in ends:
        if isinstance(end, BaseException):
            raise end
