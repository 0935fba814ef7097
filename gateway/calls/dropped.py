"""Ends calls that their clients cancelled once they were sent, where their servers say no more.

Nobody owes a response to what was cancelled (basic/utilities/cancellation), and
some servers leave its stream open for as long as there is anybody at it.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol
from weakref import ref

from multidict import CIMultiDict

from gateway.upstreams import ByteStream, UpstreamAnswer

PATIENCE = 60.0
"""Seconds for which a server may still say how a cancelled call ended."""

_EVENTS = CIMultiDict({"Content-Type": "text/event-stream"})
SILENCE = UpstreamAnswer(200, _EVENTS, body=b"")
"""What is told in the place of an answer that never began: nothing."""


class Forsakable(Protocol):
    """A call at its server."""

    def forsake(self) -> None:
        """End the answer without the server's doing, if it has not ended."""


def forsake_later(run: Forsakable) -> None:
    """Have a call forsaken after `PATIENCE`; until then it is kept by others only."""
    asyncio.get_running_loop().call_later(PATIENCE, _forsake, ref(run))


def _forsake(found: "ref[Forsakable]") -> None:
    run = found()
    if run is not None:
        run.forsake()


class Endable:
    """The bytes of an answer, which end where they would have gone on once they are `ended`."""

    def __init__(self, stream: ByteStream) -> None:
        """Be the bytes of `stream`."""
        self._stream = stream
        self._ended = False
        self._waiting: asyncio.Task[object] | None = None

    def end(self) -> None:
        """Have nothing more come: whoever waits for it is told at once."""
        self._ended = True
        if self._waiting is not None:
            self._waiting.cancel()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._ended:
            raise StopAsyncIteration
        self._waiting = waiting = asyncio.current_task()
        try:
            return await self._stream.__anext__()
        except asyncio.CancelledError:
            if self._stopped(waiting):
                raise StopAsyncIteration from None
            raise
        finally:
            self._waiting = None

    def _stopped(self, waiting: "asyncio.Task[object] | None") -> bool:
        """Tell whether what was cancelled was ended, and no more than that."""
        return self._ended and waiting is not None and not waiting.uncancel()

    async def aclose(self) -> None:
        """Give the stream up."""
        await self._stream.aclose()
