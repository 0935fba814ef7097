"""Asks the ledger again where somebody has waited too long to be told that it is busy."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from ledger.unavailable import NotRecorded

_PAUSES = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between attempts; each may take as long again as the ledger lets a command wait."""

_T = TypeVar("_T")


async def insist(attempt: Callable[[], Awaitable[_T]]) -> _T:
    """Return what `attempt` returns; where nothing was recorded for certain, try it again.

    Raises as `attempt` does, NotRecorded only after the last one.
    """
    for pause in _PAUSES:
        try:
            return await attempt()
        except NotRecorded:
            await asyncio.sleep(pause)
    return await attempt()
