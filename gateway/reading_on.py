"""Reads on while a request is under way, so that a caller that leaves is noticed."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.web_protocol import RequestHandler

LARGEST_LEFT = 64 * 1024
"""Bytes that are taken from a caller who does not wait for its answer."""


class ReadingOn(RequestHandler):
    """A connection of aiohttp's that keeps what comes too early, instead of reading no more.

    On a connection that is not read nobody sees its end, and a held call would
    run for a caller that is gone. So reading pauses only for the body of the
    request under way, which is then slow to be taken; what comes behind that
    waits in `_left`, and more than `LARGEST_LEFT` of it ends the connection.
    """

    __slots__ = ("_body", "_left")

    def __init__(self, manager: web.Server, **options: Any) -> None:
        """Speak on one connection of `manager`; the options are aiohttp's."""
        super().__init__(manager, **options)
        self._body: StreamReader = EMPTY_PAYLOAD  # of the last request that was read
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
        super().data_received(data)
        self._note_body()

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
        self._note_body()  # aiohttp has read what came behind an upgrade that is none
        if not self._messages:
            self._read_left()
        return answered
