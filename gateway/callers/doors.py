"""Lets callers connect: so many at once, none that does nothing for ever."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, TypeAlias, cast

from aiohttp import HttpVersion10, HttpVersion11, web
from aiohttp.http import HttpProcessingError
from aiohttp.web_protocol import RequestHandler

from gateway.callers.fast_lane import Answering, FastLane
from gateway.callers.malformed import NoTunnel, OtherVersion
from gateway.callers.unnamed import UnnamedRunner
from gateway.callers.whole_answers import AnswerWriter
from gateway.wire.errors import Code
from gateway.wire.known_heads import KnownHeads
from policies.configuration.settings import GatewaySection

Refusing: TypeAlias = Callable[[web.BaseRequest, HttpProcessingError | None], web.StreamResponse]
"""Answers what is no HTTP that can be read in one way only, and why as far as that is known."""

_CANCELS = "handler_cancellation"
"""The option that is the server's, not a connection's."""

_READ_AHEAD = 64 * 1024
"""Bytes of a body that are taken before somebody asks for them."""

_LINGER = 2.0
"""Seconds for which the rest of a refused body is read, so that its sender sees the answer."""

_TURN = 5.0
"""Seconds that a connection has which is only told to come again."""

_MOST_TURNED = 256

_SPOKEN = (HttpVersion10, HttpVersion11)


class DoorsRunner(UnnamedRunner):
    """Serves the application to callers; notices those that go away, unpacks no bodies."""

    def __init__(
        self,
        application: web.Application,
        section: GatewaySection,
        connections: int,
        answering: Answering,
        refusing: Refusing,
    ) -> None:
        """Let `connections` in at once.

        Plain requests are for `answering`, those that are no HTTP for `refusing`.
        """
        self._most = connections
        self._answering = answering
        self._refusing = refusing
        self._doors: Doors | None = None
        self._reader = section.patience.reader.total_seconds()
        self._options: dict[str, Any] = {
            _CANCELS: True,
            "auto_decompress": False,
            "access_log": None,
            "keepalive_timeout": section.patience.idle.total_seconds(),
            "lingering_time": _LINGER,
            "read_bufsize": _READ_AHEAD,
        }
        super().__init__(application, shutdown_timeout=1.0, **self._options)

    @property
    def connections(self) -> int:
        """How many callers are connected now."""
        return self._doors.open if self._doors else 0

    @property
    def closed(self) -> int:
        """How many idle connections were closed to make room."""
        return self._doors.closed if self._doors else 0

    @property
    def turned_away(self) -> int:
        """How many connections were told to come again."""
        return self._doors.turned_away if self._doors else 0

    def rest(self) -> None:
        """Keep of connections on which nothing is asked no more than of new ones."""
        if self._doors is not None:
            self._doors.rest()

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        options = {name: value for name, value in self._options.items() if name != _CANCELS}
        options["loop"] = asyncio.get_running_loop()
        making = partial(
            _Speaking,
            patience=self._reader,
            answering=self._answering,
            writer=AnswerWriter(),
            heads=KnownHeads(),
            refusing=self._refusing,
            options=options,
        )
        self._doors = Doors(server, self._most, making, self._refusing, self._options)
        return self._doors


class Doors(web.Server):
    """Makes the protocol of each connection, as the server does that it is made of.

    Once `most` are open, the oldest on which nothing is asked is closed for
    the next; where all wait for an answer, the next is told to come again.
    """

    def __init__(
        self,
        server: web.Server,
        most: int,
        making: Callable[["Doors"], RequestHandler],
        refusing: Refusing,
        options: dict[str, Any],
    ) -> None:
        """Serve what `server` serves; `making` makes what speaks on a connection."""
        handler = partial(_unless_unexpected, server.request_handler, refusing)
        super().__init__(handler, request_factory=server.request_factory, **options)
        self._most = most
        self._making = making
        self._open: dict[RequestHandler, None] = {}
        self._turned: set[_TurnedAway] = set()
        self.closed = 0
        self.turned_away = 0

    @property
    def open(self) -> int:
        """How many connections are open now."""
        return len(self._open)

    def rest(self) -> None:
        """Let every connection rest on which nothing is asked."""
        for handler in self._open:
            if isinstance(handler, FastLane):
                handler.rest()

    def __call__(self) -> RequestHandler:  # (or what stands in for it)
        """Return what speaks on a new connection."""
        if len(self._open) < self._most or self._made_room():
            return self._making(self)
        self.turned_away += 1
        return _TurnedAway(self._turned)  # type: ignore[return-value]

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        """Count a connection."""
        super().connection_made(handler, transport)
        self._open[handler] = None

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        """Count a connection no more."""
        super().connection_lost(handler, exc)
        self._open.pop(handler, None)

    def _made_room(self) -> bool:
        """Close the oldest connection on which nothing is under way; tell whether there was one."""
        for handler in self._open:
            if not handler._request_in_progress:  # noqa: SLF001 (aiohttp has no other way to ask)
                del self._open[handler]
                handler.force_close()
                self.closed += 1
                return True
        return False


async def _unless_unexpected(
    handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
    refusing: Refusing,
    request: web.BaseRequest,
) -> web.StreamResponse:
    """Answer a request, unless it is none of HTTP/1.1 that is sent to a server such as this.

    One that expects something would have aiohttp stumble (RFC 9110, 10.1.1).
    """
    expected = request.headers.getall("Expect", [])
    if expected and [each.lower() for each in expected] != ["100-continue"]:
        return refusing(request, None)
    if request._version not in _SPOKEN:  # noqa: SLF001 (`version` stays what it was when asked)
        request._version = HttpVersion11  # noqa: SLF001 (aiohttp would answer in the other one)
        return refusing(request, OtherVersion())
    if request.method == "CONNECT":
        return refusing(request, NoTunnel())
    return await handler(request)


class _Speaking(FastLane):
    """Speaks HTTP with one caller, and hangs up where it takes nothing of an answer for long.

    Bytes that are no HTTP are refused like any other request: no fault of ours.
    """

    __slots__ = ("_patience", "_refusing", "_stalled")

    def __init__(
        self,
        doors: Doors,
        *,
        patience: float,
        answering: Answering,
        writer: AnswerWriter,
        heads: KnownHeads,
        refusing: Refusing,
        options: Mapping[str, Any],
    ) -> None:
        super().__init__(doors, answering, writer, heads, options)
        self._patience = patience
        self._refusing = refusing
        self._stalled: asyncio.TimerHandle | None = None

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if not isinstance(exc, HttpProcessingError):
            return super().handle_error(request, status, exc, message)
        if request.writer.output_size > 0:
            raise ConnectionError("an answer was begun")
        return self._refusing(request, exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self.transport is not None:
            loop = asyncio.get_running_loop()
            self._stalled = loop.call_later(self._patience, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._forget()

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        self._forget()

    def _forget(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None


class _TurnedAway(asyncio.Protocol):
    """Answers whatever is asked with HTTP 503, and ends the connection."""

    def __init__(self, others: "set[_TurnedAway]") -> None:
        self._others = others
        self._transport: asyncio.Transport | None = None
        self._end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = connection = cast("asyncio.Transport", transport)
        if len(self._others) >= _MOST_TURNED:
            connection.abort()
            return
        self._others.add(self)
        self._end = asyncio.get_running_loop().call_later(_TURN, connection.abort)

    def data_received(self, _: bytes) -> None:
        assert self._transport is not None, "it is connected"
        if not self._transport.is_closing():
            self._transport.write(_COME_AGAIN)
            self._transport.close()

    def connection_lost(self, _: Exception | None) -> None:
        self._others.discard(self)
        if self._end is not None:
            self._end.cancel()


_ERROR = {
    "jsonrpc": "2.0",
    "id": None,
    "error": {
        "code": int(Code.BUSY),
        "message": "Placet has too many connections; nothing was executed, call again soon",
    },
}
_BODY = json.dumps(_ERROR)
_COME_AGAIN = (
    "HTTP/1.1 503 Service Unavailable\r\n"
    "Content-Type: application/json\r\n"
    f"Content-Length: {len(_BODY)}\r\n"
    "Retry-After: 1\r\n"
    "Connection: close\r\n"
    f"\r\n{_BODY}"
).encode()
