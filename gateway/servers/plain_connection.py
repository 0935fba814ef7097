"""Sends requests over one plain connection, one at a time, and reads the answers (RFC 9112)."""

import asyncio
import select
from collections.abc import Coroutine
from typing import Any, Protocol, cast

from httptools import (
    HttpParserCallbackError,
    HttpParserError,
    HttpParserUpgrade,
    HttpResponseParser,
)

from gateway.servers.answer_heads import WHOLE, LastAnswer
from gateway.servers.answer_stream import PIECE, AnswerStream
from gateway.upstreams import Fault, UpstreamAnswer, UpstreamFailed

_LONGEST_HEAD = 64 * 1024
_MOST_FIELDS = 256
_MOMENT = 0.25
"""Seconds that an answer has to become whole; then it is handed on as it comes."""

_INFORMATIONAL = range(100, 200)


class Owner(Protocol):
    """Who keeps connections."""

    def free(self, connection: "PlainConnection") -> None:
        """Take back a connection that may be used again."""

    def lost(self, connection: "PlainConnection") -> None:
        """Let go of a connection that has ended."""


class NotSent(Exception):
    """The connection was closed before any byte of the request could be sent."""


class PlainConnection(asyncio.BufferedProtocol):
    """A connection to a server: idle, or with one request under way.

    INVARIANT: it is used again only after an answer that was whole, to which
    nothing was added, whose request was written to its end, and after which
    the server keeps the connection. In any doubt it is closed.
    """

    def __init__(self, name: str, owner: Owner, buffer: memoryview) -> None:
        """Name the server; the owner hears of what becomes of the connection.

        All connections of one event loop may read to the same `buffer`: what is
        in it is looked at before anything else runs.
        """
        self._name, self._owner, self._buffer = name, owner, buffer
        self._loop = asyncio.get_running_loop()
        self._time = self._loop.time
        self._parser = HttpResponseParser(self)
        self._readable = select.poll()
        self._waiter: asyncio.Future[UpstreamAnswer] | None = None
        self._stream: AnswerStream | None = None
        self._late: asyncio.TimerHandle | None = None
        self.heard = 0.0
        self._last = LastAnswer()
        self._begin()

    def _begin(self) -> None:
        """Expect a new answer."""
        self._fields: list[tuple[bytes, bytes]] = []
        self._pieces: list[bytes] = []
        self._size = 0
        self._unseen = 0
        self._head: UpstreamAnswer | None = None
        self._streams = False
        self._until_closed = False
        self._interim = False
        self._whole = False
        self._kept = False
        self._wrong: str | None = None

    def exchange(self, head: bytes, body: bytes) -> Coroutine[Any, Any, UpstreamAnswer]:
        """Send a request, and return what waits for its answer. Raises NotSent.

        Waiting raises UpstreamFailed. Cancelling it closes the connection, by
        which the server hears of it.
        """
        return self._answered(self._asked(head + body))

    async def _answered(self, waiter: "asyncio.Future[UpstreamAnswer]") -> UpstreamAnswer:
        try:
            return await waiter
        except asyncio.CancelledError:
            if self._waiter is waiter:
                self.close()
            raise

    def _asked(self, request: bytes) -> "asyncio.Future[UpstreamAnswer]":
        """Write a request, and return what will be its answer. Raises NotSent."""
        waiter: asyncio.Future[UpstreamAnswer] = self._loop.create_future()
        self._waiter, self.heard = waiter, self._time()
        self._transport.write(request)
        if self._transport.is_closing():  # the very first byte was not taken
            self._waiter = None
            raise NotSent
        return waiter

    def usable(self) -> bool:
        """Tell whether the server has kept the idle connection, as far as can be seen."""
        return not self._transport.is_closing() and not self._readable.poll(0)

    def give_up_if_silent(self, seconds: float) -> None:
        """Break off where the server has said nothing for so long, and could have."""
        unread = self._stream is not None and self._stream.unread
        if self._waiter is not None and not unread and self._time() - self.heard >= seconds:
            self._break(f"has said nothing for {seconds:g} s", Fault.SILENT)

    def close(self) -> None:
        """End the connection, whatever is under way on it."""
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what is written to."""
        self._transport = cast("asyncio.Transport", transport)
        self._readable.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio calls it so)
        """Fail what is under way."""
        self._owner.lost(self)
        if self._waiter is not None:
            self._break("broke off before its answer was whole", Fault.BROKE_OFF)

    def eof_received(self) -> None:
        """End an answer that goes on until the server closes (RFC 9112, 6.3); close, too."""
        if self._waiter is not None and self._until_closed:
            self._end()

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 (asyncio calls it so)
        """Return where to read to."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Read on; what comes without being asked for ends the connection."""
        if self._waiter is None:
            self.close()
            return
        self.heard = self._time()
        raw = b""
        if self._head is None and not self._unseen and nbytes <= LastAnswer.MOST:
            raw = bytes(self._buffer[:nbytes])
            answer = self._last.again(raw)
            if answer is not None:
                self._end_at_once(answer)
                return
        self._unseen += nbytes
        try:
            self._parser.feed_data(self._buffer[:nbytes])
        except HttpParserCallbackError:  # a bug of ours, which closes the connection
            raise
        except (HttpParserError, HttpParserUpgrade):
            self._break("answers in something else than HTTP/1.1")
            return
        if self._wrong is not None:
            self._break(self._wrong)
        elif self._whole:
            self._end(raw)
        elif self._unseen > _LONGEST_HEAD:
            self._break("sends the head of an answer without end")
        elif self._head is not None and self._stream is None:
            self._go_on()

    def _end_at_once(self, answer: UpstreamAnswer) -> None:
        """Hand on a whole answer that ended as the last one did, after which we were kept."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(answer)
        if self._rests():
            self._owner.free(self)
        else:
            self.close()

    def _rests(self) -> bool:
        """Tell whether nothing is left to be written, and the connection is open."""
        return not (self._transport.get_write_buffer_size() or self._transport.is_closing())

    def on_message_begin(self) -> None:
        """Note a second answer, which nobody asked for."""
        if self._whole:
            self._wrong = "answers more than it was asked"

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a field of the head; trailers are ignored."""
        if self._head is None:
            self._fields.append((name, value.strip(b" \t")))
            if len(self._fields) > _MOST_FIELDS:
                self._wrong = "sends the head of an answer without end"

    def on_headers_complete(self) -> None:
        """Read the head, unless it only announces another one."""
        status = self._parser.get_status_code()
        self._interim = status in _INFORMATIONAL
        if self._interim:
            self._fields.clear()
        elif self._wrong is None:
            self._read_head(status)

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._unseen = 0
        self._size += len(body) + PIECE
        if self._stream is not None:
            self._stream.feed(body)
        else:
            self._pieces.append(body)

    def on_message_complete(self) -> None:
        """Note that the answer is whole, unless it was an interim one."""
        if not self._interim:
            self._whole = True
            self._kept = self._parser.should_keep_alive()

    def _read_head(self, status: int) -> None:
        head = self._last.read(status, self._parser.get_http_version(), self._fields)
        if head is None:
            self._wrong = "answers in something else than HTTP/1.1"
        else:
            self._head, self._until_closed, self._streams = head

    def _go_on(self) -> None:
        """Hand a long answer on as it comes, and one that is not whole in a moment."""
        if self._streams or self._size > WHOLE:
            self._hand_on()
        elif self._late is None:
            self._late = self._loop.call_later(_MOMENT, self._hand_on)

    def _hand_on(self) -> None:
        assert self._head is not None, "the head was read"
        self._stream = AnswerStream(self, self._pieces)
        self._answer(UpstreamAnswer(self._head.status, self._head.headers, stream=self._stream))

    def _end(self, raw: bytes = b"") -> None:
        """Hand the whole answer on, be it all of `raw`, and keep the connection beyond doubt."""
        assert self._head is not None, "the head was read"
        kept = self._kept and self._rests()
        if self._stream is not None:
            self._stream.end()
        else:
            answer = self._head._replace(body=b"".join(self._pieces))
            self._answer(answer)
            if raw and kept:
                self._last.remember(raw, answer)
        self._forget()
        if kept:
            self._transport.resume_reading()
            self._owner.free(self)
        else:
            self.close()

    def _break(self, why: str, fault: Fault = Fault.UNREADABLE) -> None:
        """End the answer without having all of it, and the connection."""
        failure = UpstreamFailed(f"the server `{self._name}` {why}", sent=True, fault=fault)
        if self._stream is not None:
            self._stream.end(failure)
        elif self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(failure)
            self._waiter.exception()  # whoever waits may have been cancelled
        self._forget()
        self.close()

    def _answer(self, answer: UpstreamAnswer) -> None:
        self._be_in_time()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(answer)

    def _forget(self) -> None:
        """Let go of the request that was under way."""
        self._be_in_time()
        self._waiter = self._stream = None
        self._begin()

    def _be_in_time(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def pause(self) -> None:
        """Read no more for now."""
        self._transport.pause_reading()

    def resume(self, stream: AnswerStream) -> None:
        """Read on, if the answer on this connection is still the stream's."""
        if self._stream is stream:
            self.heard = self._time()
            self._transport.resume_reading()

    def give_up(self, stream: AnswerStream) -> None:
        """Close the connection on which an answer is not whole yet."""
        if self._stream is stream:
            self._forget()
            self.close()
