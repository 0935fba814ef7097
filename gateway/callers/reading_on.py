"""Reads connections of aiohttp's: always, so that one that ends is noticed, and in bounds."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from aiohttp.http import HttpProcessingError
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.web_protocol import RequestHandler, _ErrInfo

LARGEST_LEFT = 64 * 1024
"""Bytes that are taken from a caller who does not wait for its answer."""

LARGEST_HEAD = 64 * 1024
"""Bytes of a request's head; aiohttp, which bounds each header, would take a megabyte of them."""

_PIECE = 16 * 1024
"""Bytes that are read before it is seen whether a head goes on."""


class HeadTooLong(HttpProcessingError):
    """The head of a request has `LARGEST_HEAD` bytes and goes on."""


class ReadingOn(RequestHandler):
    """A connection of aiohttp's that keeps what comes too early, instead of reading no more.

    On a connection that is not read nobody sees its end, and a held call would
    run for a caller that is gone. So reading pauses only for the body of the
    request under way, which is then slow to be taken; what comes behind that
    waits in `_left`, and more than `LARGEST_LEFT` of it ends the connection.
    """

    __slots__ = ("_answered", "_body", "_head", "_left")

    def __init__(self, manager: web.Server, **options: Any) -> None:
        """Speak on one connection of `manager`; the options are aiohttp's."""
        super().__init__(manager, **options)
        self._body: StreamReader = EMPTY_PAYLOAD  # of the last request that was read
        self._answered: StreamReader = EMPTY_PAYLOAD  # the body of the last one that was answered
        self._head = 0  # bytes that were read of a head
        self._left = b""

    def data_received(self, data: bytes) -> None:
        """Take what the caller sent; it waits for its turn behind a request that is whole."""
        if data and (self._left or self._whole()):
            self._keep(data)
        else:
            self._read(data)

    def _keep(self, data: bytes) -> None:
        """Keep what came too early, or end the connection, which cancels what is under way."""
        self._left += data
        if len(self._left) > LARGEST_LEFT and self.transport is not None:
            self.transport.abort()

    def _whole(self) -> bool:
        """Tell whether a request is under way of which nothing is to come any more."""
        return self._request_in_progress and (bool(self._messages) or self._body.is_eof())

    def _read(self, data: bytes) -> None:
        """Have aiohttp read, as long as no head becomes too long and no body turns out broken."""
        self._read_piece(data[:_PIECE])
        for begin in range(_PIECE, len(data), _PIECE):
            self._read_piece(data[begin : begin + _PIECE])

    def _read_piece(self, piece: bytes) -> None:
        if self._head >= LARGEST_HEAD or self._close:
            return  # it is being refused
        body, count = self._body, self._request_count
        in_head = body.is_eof()
        super().data_received(piece)
        if self._request_count > count:
            self._head = 0
            if not body.is_eof():
                self._end_broken(body)
            self._note_body()
        elif in_head:
            self._head += len(piece)
            if self._head >= LARGEST_HEAD:
                self._refuse_head()

    def _refuse_head(self) -> None:
        """Have aiohttp answer that the head is too long, as it does where it finds that itself."""
        error = HeadTooLong(code=431, message="the head is too long")
        self._messages.append((_ErrInfo(error.code, error, error.message), EMPTY_PAYLOAD))
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _end_broken(self, body: StreamReader) -> None:
        """Tell who reads a body that its frame is broken, of which aiohttp tells nobody.

        It would answer that as the next request; instead the connection ends with this one.
        """
        broken, _ = self._messages.pop()
        if body is not self._answered:
            body.set_exception(web.RequestPayloadError(str(broken)))
        body.feed_eof()
        self.close()

    def _read_left(self) -> None:
        left, self._left = self._left, b""
        if left:
            self._read(left)

    def _note_body(self) -> None:
        if self._messages:
            self._body = self._messages[-1][1]

    def _pause_transport_reading(self) -> None:
        if not self._whole():
            super()._pause_transport_reading()

    async def _handle_request(
        self,
        request: web.BaseRequest,
        start_time: float | None,
        request_handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
    ) -> tuple[web.StreamResponse, bool]:
        """Answer one request after the other, and read what is its turn then."""
        if not request.content.is_eof():
            self._read_left()
        elif self._reading_paused or self._buffer_paused:  # for what came with it, behind it
            self._resume_transport_reading()
        answered = await super()._handle_request(request, start_time, request_handler)
        self._answered = request.content
        self._note_body()  # aiohttp has read what came behind an upgrade that is none
        if not self._messages:
            self._read_left()
        return answered
