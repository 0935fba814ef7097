"""Decides when the writer is woken: at once, or when many commands can go together."""

import asyncio

from ledger.writing.inbox import Inbox

_CROWD = 2
"""Commands of the last batch up to which callers come one by one, and nobody waits for others."""

_QUIET = 3
"""Turns of an event loop without a new command after which it has nothing else to do."""

_LONGEST = 0.004
"""Seconds that a command waits at most for others which the event loop may still bring."""

_MOMENT = 0.01
"""Seconds that a command nobody waits for waits at most for another one to go with."""


class Gathering:
    """Wakes the writer for what event loops have put into the inbox.

    A loop that is busy will bring more commands, and the writer would only
    take the interpreter away from it: so it is woken when the loop comes to
    rest. Each transaction then serves as many callers as there are.
    """

    def __init__(self, inbox: Inbox) -> None:
        """Wake the writer of `inbox`."""
        self._inbox = inbox
        self._gathering: set[asyncio.AbstractEventLoop] = set()
        self._noted: asyncio.AbstractEventLoop | None = None

    def hurry(self, loop: asyncio.AbstractEventLoop) -> None:
        """See to it that what was put in on `loop` is taken as soon as it comes to rest."""
        if self._inbox.crowd <= _CROWD:
            self._inbox.wake()
        elif loop not in self._gathering:
            self._gathering.add(loop)
            loop.call_soon(self._look, loop, loop.time() + _LONGEST, 0, _QUIET)

    def take_time(self, loop: asyncio.AbstractEventLoop) -> None:
        """See to it that what was put in on `loop` is taken within a moment."""
        if self._noted is not loop:
            self._noted = loop
            loop.call_later(_MOMENT, self._ring)

    def _look(self, loop: asyncio.AbstractEventLoop, until: float, before: int, quiet: int) -> None:
        """Wake the writer where nothing came for some turns of the loop; else look again."""
        depth = self._inbox.depth
        quiet = _QUIET if depth > before else quiet - 1
        if quiet > 0 and loop.time() < until:
            loop.call_soon(self._look, loop, until, depth, quiet)
            return
        self._gathering.discard(loop)
        self._inbox.wake()

    def _ring(self) -> None:
        self._noted = None
        if self._inbox.depth:
            self._inbox.wake()
