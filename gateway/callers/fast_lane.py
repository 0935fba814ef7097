"""Answers plain requests on a connection without aiohttp's ado; all others are aiohttp's."""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias, cast

from aiohttp import web
from aiohttp.http import StreamWriter
from aiohttp.streams import EMPTY_PAYLOAD

from gateway.callers.plain_requests import NotPlain, PlainReader, PlainRequest
from gateway.callers.reading_on import ReadingOn
from gateway.callers.whole_answers import AnswerWriter, Reply, Sent, WholeAnswer, for_aiohttp, send
from gateway.wire.known_heads import Head, KnownHeads

_LOG = logging.getLogger(__name__)

_PROMPT = 0.25
"""Seconds within which a plain request is whole; aiohttp has patience with slower ones."""

_NO_MESSAGES: deque[Any] = deque(maxlen=0)
"""What aiohttp has to answer on a connection that it has not seen yet."""

Answering: TypeAlias = Callable[["WholeRequest", str], Awaitable[Reply]]
"""Answers a request to the server of this name; it raises nothing but cancellation."""


class WholeRequest(web.BaseRequest):
    """A request whose `body` is here already, and whose `head` may be one that is known.

    It is made a request of aiohttp's only when somebody looks for more of it
    than that, its headers and its `lane`: most are answered before.
    """

    body: bytes
    head: Head
    lane: "FastLane"

    def __init__(self, plain: PlainRequest, lane: "FastLane") -> None:
        """Take a request, and the connection on which it is answered."""
        self.head, self.body = plain
        self._message = self.head.message(len(self.body))
        self._headers = self._message.headers
        self._cache: dict[str, Any] = {}  # which looking at headers takes
        self.lane = lane

    def rest(self) -> None:
        """Keep no more than head and body until somebody looks: thousands may wait."""
        self.lane.keep_alive(val=True)  # which takes the timer away until the next request
        with contextlib.suppress(AttributeError):  # those are not there while it rests
            del self._message, self._headers, self._cache

    def __getattr__(self, name: str) -> Any:
        """Return what was not made yet, or was forgotten."""
        if name in {"_message", "_headers", "_cache"}:
            self._message = self.head.message(len(self.body))
            self._headers = self._message.headers
            self._cache = {}
        elif "_protocol" in self.__dict__:
            raise AttributeError(name)
        else:
            super().__init__(self._message, EMPTY_PAYLOAD, self.lane, *self.lane.makings())
        return getattr(self, name)

    async def _prepare_hook(self, response: web.StreamResponse) -> None:
        response.headers.pop("Server", None)  # as in all answers (gateway/callers/unnamed.py)


class FastLane(ReadingOn):
    """One connection, on which plain requests to `/mcp/{server}` take the short way.

    From the first request that is not plain on, the connection is aiohttp's
    with every byte that was not answered yet, so that nothing but speed tells
    the two ways apart; what aiohttp keeps for its way is made only then, for
    thousands may wait. A caller that goes away cancels its request.
    """

    __slots__ = (
        "_answering", "_asking", "_ending", "_options", "_reader", "_resting", "_serving", "_tardy",
        "_writer",
    )  # fmt: skip

    def __init__(
        self,
        manager: web.Server,
        answering: Answering,
        writer: AnswerWriter,
        heads: KnownHeads,
        options: Mapping[str, Any],
    ) -> None:
        """Serve one connection of `manager`; plain requests are for `answering`.

        `writer` writes their answers, `heads` are those that are known, and
        `options` aiohttp's: they may be the same for any number of connections.
        """
        super().__init__(manager, **options)
        self._parser, self._messages = None, _NO_MESSAGES
        self._options = options
        self._answering = answering
        self._writer = writer
        self._reader: PlainReader | None = PlainReader(heads)
        self._asking = False
        self._serving: asyncio.Task[None] | None = None
        self._resting: asyncio.Future[PlainRequest | None] | None = None
        self._tardy: asyncio.TimerHandle | None = None
        self._ending = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to read; what aiohttp does on its way is done if the connection becomes its."""
        assert self._manager is not None, "it has one until the connection is lost"
        self.transport = cast("asyncio.Transport", transport)
        self._manager.connection_made(self, self.transport)
        self._begin_to_wait()

    def data_received(self, data: bytes) -> None:
        """Take what the caller sent."""
        if self._reader is None or self._force_close:
            super().data_received(data)
            return
        if self._asking:
            self._keep(data)
        else:
            self._left += data
            self._look(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Cancel what the caller waits for no more."""
        super().connection_lost(exc)
        self._reader = None
        if self._tardy is not None:
            self._tardy.cancel()
        if self._serving is not None:
            self._serving.cancel()

    def close(self) -> None:
        """Take no more requests; one under way is answered first."""
        if not self._asking:
            super().close()
            if self._reader is not None:
                self.force_close()
        self._ending = True

    def rest(self) -> None:
        """Keep no more than a new connection does, where nothing is asked."""
        resting = self._resting
        if self._asking or self._left or resting is None or resting.done():
            return
        self._serving = self._resting = None
        if self._reader is not None:  # or the connection is aiohttp's for good
            self._reader.forget()
        resting.set_result(None)

    def _process_keepalive(self) -> None:
        """Hang up on a caller that asked nothing for long; not while it waits for an answer."""
        if self._asking:
            self._next_keepalive_close_time = self._loop.time() + self.keepalive_timeout
        super()._process_keepalive()
        if self._keepalive_handle is None and self._reader is not None:
            self.force_close()

    def _look(self, data: bytes) -> None:
        """Answer the request that `data` completes, or leave it all to aiohttp."""
        assert self._reader is not None
        try:
            request = self._reader.feed(data)
        except NotPlain:
            request, self._reader = None, None
        if self._reader is not None and request is None:
            if self._tardy is None:
                self._tardy = self._loop.call_later(_PROMPT, self._leave_to_aiohttp)
            return
        if request is None or request.head.server is None:
            self._leave_to_aiohttp()
            return
        if self._tardy is not None:
            self._tardy.cancel()
            self._tardy = None
        self._left = b""
        self._asking = self._request_in_progress = True
        if self._resting is None:
            self._serving = self._loop.create_task(self._serve(request), name="lane")
        else:
            self._resting.set_result(request)

    def _leave_to_aiohttp(self) -> None:
        """Let aiohttp have what was not answered yet, and all that follows, as a new connection."""
        self._reader = None
        left, self._left = self._left, b""
        if self._tardy is not None:
            self._tardy.cancel()
        transport, manager = self.transport, self._manager
        if transport is None or manager is None:
            return
        self.keep_alive(val=False)  # which ends the timer
        super().__init__(manager, **self._options)
        super().connection_made(transport)
        super().data_received(left)

    async def _serve(self, plain: PlainRequest | None) -> None:
        """Answer one plain request after the other, until the connection ends or is to rest.

        One task for all of them costs less than one for each.
        """
        while plain is not None:
            request, server, reply = WholeRequest(plain, self), plain.head.server, None
            assert server is not None, "others are aiohttp's"
            del plain  # thousands may wait here, or rest, and each keeps little
            try:
                reply = await self._answering(request, server)
                stays = self._sent_at_once(reply, request) or await self._sent(reply, request)
                if self.writing_paused:  # it is under way until the caller takes it
                    await self.drained()
            except ConnectionError:
                self.force_close()
            except asyncio.CancelledError:
                self.force_close()  # a caller whose key ends is there, and must not wait for more
                raise
            except Exception:  # noqa: BLE001 (the edge: what cannot be sent ends the connection)
                _LOG.exception("an answer could not be sent")
                self.force_close()
            else:
                self._next(stays=stays and not request.head.closes)
            finally:
                self._asking = self._request_in_progress = False
                if self._handler_waiter is not None and not self._handler_waiter.done():
                    self._handler_waiter.set_result(None)
            del request, server, reply
            if self.transport is None:
                return
            self._resting = self._loop.create_future()
            if self._left:
                self._look(self._left)  # before anything comes that was sent after it
            plain = await self._resting

    async def drained(self) -> None:
        """Wait until the caller has taken enough of what was sent. Raises ConnectionError."""
        if self.transport is not None:
            await self._drain_helper()

    def makings(self) -> "tuple[StreamWriter, asyncio.Task[None], asyncio.AbstractEventLoop]":
        """Return what writes the answer to a request, in which task, on which event loop."""
        assert self._serving is not None, "it answers each request"
        return StreamWriter(self, self._loop), self._serving, self._loop

    def _sent_at_once(self, reply: Reply, request: WholeRequest) -> bool:
        """Send an answer where that takes but a moment; tell whether it is sent."""
        if not isinstance(reply, WholeAnswer) or self.writing_paused:
            return False
        written = self._writer.written(reply, last=request.head.closes)
        if written is None:
            return False
        if self.transport is None or self.transport.is_closing():
            raise ConnectionResetError("the caller went away")
        self.transport.write(written)
        return True

    async def _sent(self, reply: Reply, request: WholeRequest) -> bool:
        """Send an answer, and tell whether the connection stays after it."""
        if isinstance(reply, Sent):
            return True
        await send(response := for_aiohttp(reply), request)
        return response.keep_alive is not False

    def _next(self, *, stays: bool) -> None:
        """Wait for the next request, or end the connection."""
        if self.transport is None:
            return
        if self._ending or not stays:
            self.force_close()
            return
        self._begin_to_wait()

    def _begin_to_wait(self) -> None:
        """Wait for a request from now on, and no longer than aiohttp does."""
        self._next_keepalive_close_time = idle = self._loop.time() + self.keepalive_timeout
        if self._keepalive_handle is None and self.keepalive_timeout > 0:
            self._keepalive_handle = self._loop.call_at(idle, self._process_keepalive)
