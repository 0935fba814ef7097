"""Reaches a server over HTTP+SSE, the transport of 2024-11-05, as far as a scan needs it."""

import asyncio
import contextlib
import json
from collections.abc import Mapping

from multidict import CIMultiDict
from yarl import URL

from gateway.servers.http_upstream import HttpUpstream
from gateway.servers.turns import Bounds
from gateway.upstreams import (
    ByteStream,
    Era,
    Fault,
    Traffic,
    UpstreamAnswer,
    UpstreamFailed,
    UpstreamRequest,
)
from gateway.wire.errors import Code
from gateway.wire.event_streams import EventReader, is_event_stream
from policies.values.refusals import Refused
from policies.values.strict_json import canonical, parse

_LARGEST = 8 * 1024 * 1024
_OK = 200
_ACCEPTED = range(200, 300)


class SseUpstream:
    """A server that answers on one stream of events what is posted elsewhere.

    Source: specification 2024-11-05, basic, transports, "HTTP with SSE". The
    first event names where to post to, at the same origin; each answer is an
    event, and belongs to the request of its id.
    """

    def __init__(self, name: str, url: str, headers: Mapping[str, str], bounds: Bounds) -> None:
        """Name the server; nothing is opened before the first request."""
        self._name = name
        self._url = URL(url, encoded=True)
        self._headers = headers
        self._bounds = bounds
        self._listening = HttpUpstream(name, url, headers, bounds=bounds)
        self._posting: HttpUpstream | None = None
        self._reading: asyncio.Task[None] | None = None
        self._endpoint: asyncio.Future[str] | None = None
        self._waiting: dict[str, asyncio.Future[bytes]] = {}
        self.traffic = Traffic()

    async def start(self) -> None:
        """Open what connecting needs."""
        await self._listening.start()

    async def close(self) -> None:
        """End the stream and close every connection."""
        if self._reading is not None:
            self._reading.cancel()
            with contextlib.suppress(asyncio.CancelledError, UpstreamFailed):
                await self._reading
        if self._posting is not None:
            await self._posting.close()
        await self._listening.close()

    def trouble(self) -> str | None:
        """Say why the server cannot be used now; None where it can."""
        return self._listening.trouble()

    async def forward(self, request: UpstreamRequest) -> UpstreamAnswer:
        """Post a request and return the event that answers it. Raises UpstreamFailed."""
        if request.method != "POST" or request.message is None:
            return UpstreamAnswer(405, CIMultiDict())
        if request.era is Era.MODERN:
            return _unknown()
        posting = await self._connected()
        number = request.message.get("id")
        if number is None:
            await self._post(posting, request)
            return UpstreamAnswer(202, CIMultiDict())
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting[canonical(number)] = answer
        try:
            await self._post(posting, request)
            text = await answer
        finally:
            self._waiting.pop(canonical(number), None)
        headers = CIMultiDict({"Content-Type": "application/json"})
        return UpstreamAnswer(_OK, headers, body=text)

    async def _post(self, posting: HttpUpstream, request: UpstreamRequest) -> None:
        answer = await posting.forward(request)
        if answer.stream is not None:
            await answer.stream.aclose()
        if answer.status not in _ACCEPTED:
            raise self._failed(f"answers a post with HTTP status {answer.status}")

    async def _connected(self) -> HttpUpstream:
        """Return the way to post, once the stream has named it. Raises UpstreamFailed."""
        if self._reading is None:
            self._endpoint = asyncio.get_running_loop().create_future()
            self._reading = asyncio.create_task(self._listen(self._endpoint))
        assert self._endpoint is not None
        named = URL(await asyncio.shield(self._endpoint), encoded=True)
        if self._posting is None:
            url = self._url.join(named)
            if url.origin() != self._url.origin():
                raise self._failed("names an endpoint at another address, which is not used")
            self._posting = HttpUpstream(self._name, str(url), self._headers, bounds=self._bounds)
            await self._posting.start()
        return self._posting

    async def _listen(self, endpoint: asyncio.Future[str]) -> None:
        """Read the stream to its end, and fail whatever is open then."""
        failure = self._failed("has ended its stream of events")
        try:
            await self._read(endpoint)
        except UpstreamFailed as failed:
            failure = failed
        finally:
            if not endpoint.done():
                endpoint.set_exception(failure)
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(failure)

    async def _read(self, endpoint: asyncio.Future[str]) -> None:
        headers = CIMultiDict({"Accept": "text/event-stream"})
        asked = UpstreamRequest("GET", headers, b"", None, Era.LEGACY, "")
        answer = await self._listening.forward(asked)
        streams = is_event_stream(answer.headers.get("Content-Type", ""))
        if answer.status != _OK or not streams or answer.stream is None:
            if answer.stream is not None:
                await answer.stream.aclose()
            raise self._failed("has no stream of events at this address")
        try:
            await self._take(answer.stream, endpoint)
        finally:
            await answer.stream.aclose()

    async def _take(self, stream: ByteStream, endpoint: asyncio.Future[str]) -> None:
        reader, size = EventReader(), 0
        async for chunk in stream:
            size += len(chunk)
            if size > _LARGEST:
                raise self._failed("says more than 8 MiB")
            for text in reader.feed(chunk):
                if not endpoint.done():
                    endpoint.set_result(text.decode(errors="replace").strip())
                else:
                    self._answered(text)

    def _answered(self, text: bytes) -> None:
        try:
            told = parse(text)
        except Refused:
            return
        number = told.get("id") if isinstance(told, dict) and "method" not in told else None
        answer = self._waiting.get(canonical(number))
        if answer is not None and not answer.done():
            answer.set_result(text)

    def _failed(self, what: str) -> UpstreamFailed:
        return UpstreamFailed(
            f"the server `{self._name}` {what}", sent=True, fault=Fault.UNREADABLE
        )


def _unknown() -> UpstreamAnswer:
    """Answer as a server does that does not know a protocol version of today."""
    error = {"code": int(Code.METHOD_NOT_FOUND), "message": "an old transport"}
    told = {"jsonrpc": "2.0", "id": None, "error": error}
    headers = CIMultiDict({"Content-Type": "application/json"})
    return UpstreamAnswer(404, headers, body=json.dumps(told).encode())
