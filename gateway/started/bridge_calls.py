"""Carries callers' requests to a bridged server and brings back answers and progress."""

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

from gateway.servers.synthesis import Introduction, bridged_params, modern_result
from gateway.started.bridge_answers import answer, error, streamed
from gateway.started.bridge_listeners import STILL_HERE, event, notification
from gateway.started.stdio_channel import Answer, Broken, Channel, Exchange, Progress
from gateway.started.stdio_server import NotReading
from gateway.upstreams import Era, Fault, UpstreamAnswer, UpstreamFailed, UpstreamRequest
from gateway.wire.json_text import members, without

_KEEP_ALIVE = 15.0
_NOTHING: frozenset[str] = frozenset()
_TASK = frozenset({"task"})

Caller: TypeAlias = "tuple[str, str]"
"""What a caller cancels by: its session, and the id it gave its request (JSON text)."""


class Calls:
    """The requests under way at one server."""

    def __init__(self, name: str, silence: float) -> None:
        """Name the server in what callers are told; `silence` is how many seconds of it pass."""
        self._name = name
        self._silence = silence
        self._open: dict[Caller, Exchange] = {}
        self._under_way: set[Exchange] = set()
        self._sent = 0

    @property
    def sent(self) -> int:
        """How many requests went to the server so far."""
        return self._sent

    @property
    def under_way(self) -> int:
        """How many requests are at the server now."""
        return len(self._under_way)

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
        tasks = request.era is Era.LEGACY and introduction.runs_tasks
        exchange = self._send(channel, request, method, _NOTHING if tasks else _TASK)
        self._begin(exchange, caller if request.era is Era.LEGACY else None)
        left = partial(self._end, exchange, caller)

        def shaped(end: Answer) -> UpstreamAnswer:
            if end.is_error:
                return error(caller[1], method, end.text, request.era)
            modern = request.era is Era.MODERN
            result = modern_result(method, end.text, introduction) if modern else end.text
            return answer(caller[1], result)

        stream = _CallStream(self._name, exchange, shaped, left, self._silence)
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

    def _begin(self, exchange: Exchange, caller: "Caller | None") -> None:
        """Count a request, and know it by what its caller may cancel it by, if it may."""
        self._sent += 1
        self._under_way.add(exchange)
        if caller is not None:
            self._open[caller] = exchange

    def _end(self, exchange: Exchange, caller: Caller) -> None:
        """Let go of a request, and have the server stop it if it has not ended."""
        exchange.cancel("nobody waits for it any more")
        self._under_way.discard(exchange)
        if self._open.get(caller) is exchange:
            del self._open[caller]

    def cancel(self, caller: Caller) -> None:
        """Cancel a request at its caller's wish; it ends without an answer."""
        exchange = self._open.pop(caller, None)
        if exchange is not None:
            exchange.cancel("the caller cancelled it")
            message = "the request was cancelled by its caller; it may have run in part"
            exchange.mailbox.put(Broken(message))

    def _send(
        self, channel: Channel, request: UpstreamRequest, method: str, passed_over: frozenset[str]
    ) -> Exchange:
        """Send the caller's params, of which the progress token is changed.

        Members of a call that its server is not to see are `passed_over`: what it
        says of its own task where no tasks were declared to the caller
        (2025-11-25, basic/utilities/tasks, "Task Support and Handling").
        """
        body = request.body.decode()
        places = members(body)
        modern = request.era is Era.MODERN
        params = body[places["params"]] if "params" in places else None
        if params is not None and method == "tools/call":
            params = without(params, passed_over)
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
        name: str,
        exchange: Exchange,
        shaped: Callable[[Answer], UpstreamAnswer],
        left: Callable[[], None],
        silence: float,
    ) -> None:
        self._name = name
        self._mailbox = exchange.mailbox
        self._shaped = shaped
        self._left = left
        self._silence = silence
        self._silent = 0.0
        self._first: Progress | None = None
        self._ended = False

    async def begin(self, *, with_progress: bool) -> UpstreamAnswer | None:
        """Return the answer if it comes first, None once there is progress to stream."""
        while True:
            match await self._mailbox.take(patience=self._silence):
                case None:
                    raise self._said_nothing()
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
        patience = min(_KEEP_ALIVE, self._silence - self._silent)
        match await self._mailbox.take(patience=patience):
            case None:
                self._silent += patience
                if self._silent < self._silence:
                    return STILL_HERE
                self._ended = True
                raise self._said_nothing()
            case Progress() as progress:
                self._silent = 0.0
                return _progress(progress)
            case Broken(message):
                self._ended = True
                raise UpstreamFailed(message, sent=True)
            case Answer() as end:
                self._ended = True
                body = self._shaped(end).body
                assert body is not None
                return event(body.decode(errors="surrogatepass"))

    def _said_nothing(self) -> UpstreamFailed:
        text = f"the server `{self._name}` has said nothing for {self._silence:g} s"
        return UpstreamFailed(text, sent=True, fault=Fault.SILENT)

    async def aclose(self) -> None:
        """Cancel the request, unless it has ended."""
        self._left()


def _progress(progress: Progress) -> bytes:
    return event(notification("notifications/progress", progress.params))
