"""Sends streams of events while they come about, on a fast lane or as aiohttp does."""

import asyncio
import contextlib
from typing import Final, Protocol

from aiohttp import web
from aiohttp.helpers import rfc822_formatted_time

from gateway.callers.fast_lane import FastLane, WholeRequest
from gateway.callers.whole_answers import CLOSE, SENT, Reply

_HEADERS: Final = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-cache",
    "X-Accel-Buffering": "no",
}
_HEAD: Final = "".join(
    [
        "HTTP/1.1 200 OK\r\n",
        *(f"{name}: {value}\r\n" for name, value in _HEADERS.items()),
        "Transfer-Encoding: chunked\r\nDate: ",
    ]
).encode()
_LAST: Final = b"0\r\n\r\n"

_COPIED: Final = 2048
"""Bytes up to which a chunk is copied to be sent in one piece with its length."""

_AHEAD: Final = 64 * 1024
"""Bytes that are sent before somebody looks whether the caller takes them."""


class EventWriter(Protocol):
    """Writes one answer: its head, events in pieces of any size, its end."""

    @property
    def reply(self) -> Reply:
        """The answer, once it has ended."""

    async def begin(self) -> None:
        """Send the head; the connection is not idle until the end. Raises ConnectionError."""

    async def write(self, piece: bytes) -> None:
        """Send more, as fast as the caller takes it. Raises ConnectionError."""

    def say(self, piece: bytes) -> None:
        """Send more at once; nothing to a caller that is gone, or takes none of it."""

    def hush(self) -> None:
        """Leave out what was to be said and is not sent yet."""

    async def end(self) -> None:
        """Send the end, and wait until the caller takes it. Raises ConnectionError."""

    def cut(self) -> None:
        """Break the connection off, so that nobody takes half an answer for a whole one."""


def event_writer(http: web.BaseRequest) -> EventWriter:
    """Return what writes the answer to a request; the shorter way where it came by that."""
    if isinstance(http, WholeRequest):
        return _ByLane(http.lane, last=http.head.closes)
    return _ByAiohttp(http)


class _ByLane:
    """Writes what aiohttp would (RFC 9112, 7.1), and makes nothing of aiohttp's for it.

    Thousands may be open, for hours.
    """

    __slots__ = ("_lane", "_last", "_unseen")

    def __init__(self, lane: FastLane, *, last: bool) -> None:
        self._lane = lane
        self._last = last
        self._unseen = 0

    @property
    def reply(self) -> Reply:
        return SENT

    async def begin(self) -> None:
        date, close = rfc822_formatted_time().encode(), CLOSE if self._last else b""
        self._send(b"%b%b\r\n%b\r\n" % (_HEAD, date, close))
        self._lane.keep_alive(val=True)  # which takes the timer away

    async def write(self, piece: bytes) -> None:
        if not piece:
            return  # it would be the end
        self._send_chunk(piece)
        if self._unseen > _AHEAD:
            self._unseen = 0
            await self._lane.drained()

    def say(self, piece: bytes) -> None:
        if self._unseen > _AHEAD and self._lane.writing_paused:
            return
        with contextlib.suppress(ConnectionError):  # whoever serves the request is told
            self._send_chunk(piece)

    def hush(self) -> None:
        """Do nothing: all is sent at once."""

    async def end(self) -> None:
        self._send(_LAST)
        await self._lane.drained()

    def cut(self) -> None:
        if self._lane.transport is not None:
            self._lane.transport.abort()

    def _send_chunk(self, piece: bytes) -> None:
        if len(piece) <= _COPIED:
            self._send(b"%x\r\n%b\r\n" % (len(piece), piece))
        else:
            self._send(b"%x\r\n" % len(piece), piece, b"\r\n")

    def _send(self, *parts: bytes) -> None:
        self._unseen += sum(map(len, parts))
        transport = self._lane.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the caller went away")
        transport.writelines(parts)


class _ByAiohttp:
    """Writes on a connection that is aiohttp's."""

    __slots__ = ("_http", "_saying", "reply")

    def __init__(self, http: web.BaseRequest) -> None:
        self._http = http
        self._saying: asyncio.Task[None] | None = None
        self.reply = web.StreamResponse(headers=_HEADERS)

    async def begin(self) -> None:
        await self.reply.prepare(self._http)
        self._http.protocol.keep_alive(val=True)  # which takes the timer away
        self.reply.headers.clear()  # they are sent, and thousands may wait

    async def write(self, piece: bytes) -> None:
        await self.reply.write(piece)

    def say(self, piece: bytes) -> None:
        if self._saying is None or self._saying.done():
            self._saying = asyncio.get_running_loop().create_task(self._say(piece))

    def hush(self) -> None:
        if self._saying is not None:
            self._saying.cancel()
            self._saying = None

    async def end(self) -> None:
        await self.reply.write_eof()

    def cut(self) -> None:
        if self._http.transport is not None:
            self._http.transport.abort()

    async def _say(self, piece: bytes) -> None:
        with contextlib.suppress(ConnectionError):  # whoever serves the request is told
            await self.reply.write(piece)
