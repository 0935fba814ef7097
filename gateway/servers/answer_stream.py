"""The bytes of one answer on their way from a plain connection to whoever relays them."""

import asyncio
from typing import Final, Protocol

from gateway.upstreams import UpstreamFailed

PIECE: Final = 64
"""Bytes of memory that a piece takes beside what is in it."""

_MOST_WAITING = 256 * 1024
"""Bytes that wait to be taken, above which the server is not listened to."""


class Source(Protocol):
    """The connection that the bytes come from."""

    def pause(self) -> None:
        """Read no more for now, so that the server has to wait."""

    def resume(self, stream: "AnswerStream") -> None:
        """Read on for this stream."""

    def give_up(self, stream: "AnswerStream") -> None:
        """End the answer that goes down this stream, if it is not whole yet."""


class AnswerStream:
    """The rest of an answer as it comes; a cancelled wait for more loses none.

    A server that sends faster than its bytes are taken is slowed down.
    """

    def __init__(self, source: Source, pieces: list[bytes]) -> None:
        """Begin with the pieces that are there."""
        self._source = source
        self._pieces = [piece for piece in pieces if piece]
        self._waiting = sum(len(piece) + PIECE for piece in self._pieces)
        self._arrived: asyncio.Future[None] | None = None
        self._error: UpstreamFailed | None = None
        self._ended = False
        self._paused = False

    @property
    def unread(self) -> bool:
        """Whether the server waits until more of its answer is taken."""
        return self._paused

    def feed(self, piece: bytes) -> None:
        """Take bytes that arrived."""
        self._pieces.append(piece)
        self._waiting += len(piece) + PIECE
        if self._waiting > _MOST_WAITING and not self._paused:
            self._paused = True
            self._source.pause()
        self._wake()

    def end(self, error: UpstreamFailed | None = None) -> None:
        """Say that no more will come: the answer is whole, or `error` broke it off."""
        self._ended = True
        self._error = error
        self._wake()

    def __aiter__(self) -> "AnswerStream":
        return self

    async def __anext__(self) -> bytes:
        while not self._pieces:
            if self._error is not None:
                raise self._error
            if self._ended:
                raise StopAsyncIteration
            self._arrived = asyncio.get_running_loop().create_future()
            await self._arrived
        return self._taken()

    def _taken(self) -> bytes:
        found = b"".join(self._pieces)
        self._pieces.clear()
        self._waiting = 0
        if self._paused:
            self._paused = False
            self._source.resume(self)
        return found

    def _wake(self) -> None:
        if self._arrived is not None and not self._arrived.done():
            self._arrived.set_result(None)

    async def aclose(self) -> None:
        """Give the answer up; a connection on which it was not whole is closed."""
        self._pieces.clear()
        self._source.give_up(self)
