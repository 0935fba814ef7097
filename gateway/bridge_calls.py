"""Carries callers' requests to a bridged server and brings back answers and progress."""

from collections.abc import Callable
from typing import TypeAlias

from gateway.bridge_answers import answer, error, streamed
from gateway.bridge_listeners import STILL_HERE, event, notification
from gateway.json_text import members
from gateway.stdio_channel import Answer, Broken, Channel, Exchange, Progress
from gateway.stdio_server import NotReading
from gateway.synthesis import Introduction, bridged_params, modern_result
from gateway.upstreams import Era, UpstreamAnswer, UpstreamFailed, UpstreamRequest

_KEEP_ALIVE = 15.0

Caller: TypeAlias = "tuple[str, str]"
"""What a caller cancels by: its session, and the id it gave its request (JSON text)."""


class Calls:
    """The requests under way at one server."""

    def __init__(self, name: str) -> None:
        """Name the server in what callers are told."""
        self._name = name
        self._open: dict[Caller, Exchange] = {}

    async def carry(
        self,
        request: UpstreamRequest,
        caller: Caller,
        method: str,
        server: tuple[Introduction, Channel],
    ) -> UpstreamAnswer:
        """Send a request and return its answer, as a stream where progress comes first.

        Cancelling it cancels the request at the server. Raises UpstreamFailed.
        """
        introduction, channel = server
        exchange = self._send(channel, request, method)
        if request.era is Era.LEGACY:
            self._open[caller] = exchange

        def left() -> None:
            exchange.cancel("the caller is gone")
            if self._open.get(caller) is exchange:
                del self._open[caller]

        def shaped(end: Answer) -> UpstreamAnswer:
            if end.is_error:
                return error(caller[1], end.text, request.era)
            modern = request.era is Era.MODERN
            result = modern_result(method, end.text, introduction) if modern else end.text
            return answer(caller[1], result)

        stream = _CallStream(exchange, shaped, left)
        try:
            whole = await stream.begin(
                with_progress="text/event-stream" in request.headers.get("Accept", "")
            )
        except BaseException:
            left()
            raise
        if whole is None:
            return streamed(stream)
        left()
        return whole

    def cancel(self, caller: Caller) -> None:
        """Cancel a request at its caller's wish; it ends without an answer."""
        exchange = self._open.pop(caller, None)
        if exchange is not None:
            exchange.cancel("the caller cancelled it")
            message = "the request was cancelled by its caller; it may have run in part"
            exchange.mailbox.put(Broken(message))

    def _send(self, channel: Channel, request: UpstreamRequest, method: str) -> Exchange:
        """Send the caller's params, of which only the progress token is changed."""
        body = request.body.decode()
        places = members(body)
        modern = request.era is Era.MODERN
        params = body[places["params"]] if "params" in places else None
        token = None if params is None else bridged_params(params, modern=modern, token=0)[1]

        def numbered(number: int) -> str | None:
            if params is None:
                return None
            return bridged_params(params, modern=modern, token=number)[0]

        try:
            return channel.request(method, numbered, token=token)
        except NotReading:
            message = f"the server `{self._name}` reads no more requests; nothing was sent to it"
            raise UpstreamFailed(message, sent=False) from None


class _CallStream:
    """The server-sent events of one request: its progress, then its answer."""

    def __init__(
        self,
        exchange: Exchange,
        shaped: Callable[[Answer], UpstreamAnswer],
        left: Callable[[], None],
    ) -> None:
        self._mailbox = exchange.mailbox
        self._shaped = shaped
        self._left = left
        self._first: Progress | None = None
        self._ended = False

    async def begin(self, *, with_progress: bool) -> UpstreamAnswer | None:
        """Return the answer if it comes first, None once there is progress to stream."""
        while True:
            match await self._mailbox.take():
                case Answer() as end:
                    return self._shaped(end)
                case Broken(message):
                    raise UpstreamFailed(message, sent=True)
                case Progress() as progress if with_progress:
                    self._first = progress
                    return None

    def __aiter__(self) -> "_CallStream":
        return self

    async def __anext__(self) -> bytes:
        first, self._first = self._first, None
        if first is not None:
            return _progress(first)
        if self._ended:
            raise StopAsyncIteration
        match await self._mailbox.take(patience=_KEEP_ALIVE):
            case None:
                return STILL_HERE
            case Progress() as progress:
                return _progress(progress)
            case Broken(message):
                self._ended = True
                raise UpstreamFailed(message, sent=True)
            case Answer() as end:
                self._ended = True
                body = self._shaped(end).body
                assert body is not None
                return event(body.decode(errors="surrogatepass"))

    async def aclose(self) -> None:
        """Cancel the request, unless it has ended."""
        self._left()


def _progress(progress: Progress) -> bytes:
    return event(notification("notifications/progress", progress.params))
