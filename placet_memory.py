"""Keeps a service small, and gives memory back to the system once many calls are gone.

What Python and SQLite let go of stays with the C library, which keeps it for
whatever comes next; glibc gives the pages back only where it is told to.
"""

import asyncio
import ctypes
import gc
import sys
import time
from collections.abc import Callable, Iterator
from functools import _lru_cache_wrapper

_LOOK = 1.0
"""Seconds between looks: a thousand calls may come, be approved and go within a few."""

_ANSWERED = 5.0
_MANY = 100
_SHARE = 4
_OFTEN = 12
"""It is worth it after so many calls or callers, once no more than one in four is left.

While more of them go, it waits, but not so often that it never comes to it.
"""

_MOMENT = 2.0
"""Seconds in which other threads, and the event loop, let go of what is at rest."""

_OURS = frozenset({"bot", "gateway", "ledger", "policies"})
_ROOM = 32
"""A cache with room for less keeps what is dear to make and stays the same, as a policy does."""

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


def clear_caches() -> None:
    """Forget what functions of our own modules remember of what calls brought along."""
    for cache in _caches():
        room = cache.cache_parameters()["maxsize"] or _ROOM
        if room >= _ROOM:
            cache.cache_clear()


def _caches() -> Iterator["_lru_cache_wrapper[object]"]:
    """Yield the caches of the modules of our own that are loaded, none that they import."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in _OURS:
            for found in list(vars(module).values()):
                if isinstance(found, _lru_cache_wrapper) and found.__module__ == name:
                    yield found


def trimmer() -> Callable[[], None]:
    """Return what collects all waste and gives back the pages that are free.

    Only glibc can do the latter.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)

    def collect_and_trim() -> None:
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
    count: Callable[[], int],
    rest: Callable[[], None],
    trim: Callable[[], None],
    pause: float = _ANSWERED,
) -> None:
    """Call `rest`, then `trim`, for ever, each time that `count`, of calls or callers, falls far.

    It is looked at every second; `pause` seconds are waited before `rest`, and
    again while it still falls, for those calls still have to be answered, and a
    moment before `trim`. Both are called twice: what is made again after the
    first time, among the waste, is made once more where there is none.
    """
    most = 0
    while True:
        await asyncio.sleep(min(pause, _LOOK))
        now = count()
        most = max(most, now)
        if most >= _MANY and now <= most // _SHARE:
            await _settled(count, now, pause)
            for _ in range(2):
                rest()
                await asyncio.sleep(min(pause, _MOMENT))
                trim()
            most = count()


async def _settled(count: Callable[[], int], left: int, pause: float) -> None:
    """Wait until `count` says no less than `pause` seconds before, or for `_OFTEN` pauses."""
    for _ in range(_OFTEN):
        await asyncio.sleep(pause)
        before, left = left, count()
        if left >= before:
            return
