"""Gives memory back to the system once many calls that were held are gone.

What Python and SQLite let go of stays with the C library, which keeps it for
whatever comes next; glibc gives the pages back only where it is told to.
"""

import asyncio
import ctypes
from collections.abc import Callable

_LOOK = 5.0
_MANY = 100
_SHARE = 4
"""It is worth it after so many held calls, once no more than one in four is left."""


def trimmer() -> Callable[[], None] | None:
    """Return what gives back all pages that are free; None where the C library is not glibc."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return None if trim is None else lambda: trim(ctypes.c_size_t(0))


async def give_back(
    held: Callable[[], int], trim: Callable[[], None], pause: float = _LOOK
) -> None:
    """Call `trim` for ever, each time that the number of calls that are `held` has fallen far.

    It is looked at every `pause` seconds; as long is waited before `trim`, for
    those calls still have to be answered.
    """
    most = 0
    while True:
        await asyncio.sleep(pause)
        now = held()
        most = max(most, now)
        if most >= _MANY and now <= most // _SHARE:
            await asyncio.sleep(pause)
            trim()
            most = held()
