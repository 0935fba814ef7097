"""Keeps a service small, and gives memory back to the system once many calls are gone.

What Python and SQLite let go of stays with the C library, which keeps it for
whatever comes next; glibc gives the pages back only where it is told to.
"""

import asyncio
import ctypes
import gc
import time
from collections.abc import Callable

_LOOK = 5.0
_MANY = 100
_SHARE = 4
"""It is worth it after so many calls or callers, once no more than one in four is left."""

_ARENA_MAX = -8
"""The number that `mallopt` knows `M_ARENA_MAX` by (malloc.h of glibc)."""

_SWEEP = 2.0
_SELDOM = 500
"""Waste is looked for after so many seconds, and in no more than one part in so many of them."""


def use_one_heap() -> None:
    """Let all threads that are started from now on share one heap, where the C library is glibc.

    Each would get its own, with free pages of its own. Python runs one at a time anyway.
    """
    option = getattr(ctypes.CDLL(None), "mallopt", None)
    if option is not None:
        option(_ARENA_MAX, 1)


def trimmer(rest: Callable[[], None]) -> Callable[[], None]:
    """Return what calls `rest`, collects all waste, and gives back the pages that are free.

    Only glibc can do the latter.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)

    def collect_and_trim() -> None:
        rest()
        gc.collect()
        if trim is not None:
            trim(ctypes.c_size_t(0))

    return collect_and_trim


async def sweep(pause: float = _SWEEP) -> None:
    """Collect all waste for ever, every `pause` seconds, or less often where that takes long.

    Every connection leaves a hundred objects that hold each other; by itself the
    collector of a service waits for twenty thousand, and for old ones much longer.
    """
    while True:
        await asyncio.sleep(pause)
        began = time.monotonic()
        gc.collect()
        await asyncio.sleep(max((time.monotonic() - began) * _SELDOM - pause, 0.0))


async def give_back(
    count: Callable[[], int], trim: Callable[[], None], pause: float = _LOOK
) -> None:
    """Call `trim` for ever, each time that `count`, of calls or callers, has fallen far.

    It is looked at every `pause` seconds; as long is waited before `trim`, for
    those calls still have to be answered.
    """
    most = 0
    while True:
        await asyncio.sleep(pause)
        now = count()
        most = max(most, now)
        if most >= _MANY and now <= most // _SHARE:
            await asyncio.sleep(pause)
            trim()
            most = count()
