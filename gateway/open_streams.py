"""Ends the streams on which callers hear of changes, all together and as they should end."""

import asyncio
from collections.abc import AsyncIterator

from gateway.upstreams import ByteStream

_ENDS = (b"\n\n", b"\r\n\r\n", b"\r\r")
"""How the bytes end where an event of a stream ends (WHATWG HTML, 9.2.5)."""


class OpenStreams:
    """The streams that stay open until somebody ends them: here, when the process is to end."""

    def __init__(self) -> None:
        """Start without streams."""
        self._closing = asyncio.Event()
        self._streams: set[Ending] = set()

    def __len__(self) -> int:
        """Count the open streams."""
        return len(self._streams)

    def close(self) -> None:
        """End all streams, and every new one at once."""
        self._closing.set()

    def ending(self, stream: ByteStream, farewell: bytes) -> "Ending":
        """Return the stream, which ends with `farewell` when all are closed."""
        opened = Ending(stream, farewell, self._closing, self._streams)
        self._streams.add(opened)
        return opened


class Ending:
    """A stream that goes on until it ends by itself, or all are closed.

    Its farewell is left out in the middle of an event, where nobody could read it.
    """

    def __init__(
        self,
        stream: ByteStream,
        farewell: bytes,
        closing: asyncio.Event,
        streams: "set[Ending]",
    ) -> None:
        """Use `OpenStreams.ending`."""
        self._stream = stream
        self._farewell = farewell
        self._closing = closing
        self._streams = streams
        self._tail = b"\n\n"
        self._ended = False
        self._closed: asyncio.Task[bool] | None = None

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._ended:
            raise StopAsyncIteration
        chunk = None if self._closing.is_set() else await self._chunk()
        if chunk is not None:
            self._tail = (self._tail + chunk)[-4:]
            return chunk
        self._ended = True
        if not self._farewell or not self._tail.endswith(_ENDS):
            raise StopAsyncIteration
        return self._farewell

    async def aclose(self) -> None:
        """Give the stream up."""
        self._streams.discard(self)
        if self._closed is not None:
            self._closed.cancel()
        await self._stream.aclose()

    async def _chunk(self) -> bytes | None:
        """Return the next bytes, or None once all are closed. Raises what the stream raises."""
        if self._closed is None:
            self._closed = asyncio.create_task(self._closing.wait())
        following = asyncio.ensure_future(self._stream.__anext__())
        try:
            await asyncio.wait({following, self._closed}, return_when=asyncio.FIRST_COMPLETED)
            if following.done():
                return following.result()
        finally:
            if not following.done():
                following.cancel()
                await asyncio.wait({following})
        return None
