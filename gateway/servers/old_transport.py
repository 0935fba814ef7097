"""Knows servers that speak only HTTP+SSE, the transport of 2024-11-05, which Placet does not."""

import asyncio
from collections.abc import AsyncGenerator

from multidict import CIMultiDict

from gateway.upstreams import (
    ByteStream,
    Era,
    Fault,
    Upstream,
    UpstreamAnswer,
    UpstreamFailed,
    UpstreamRequest,
)
from gateway.wire.event_blocks import EventBlocks, data_of
from gateway.wire.event_streams import is_event_stream

_OK = 200
_NOT_SPOKEN = frozenset({400, 404, 405})
"""Statuses of `initialize` on which a server may speak HTTP+SSE (2025-11-25, transports)."""

_MARK = b"\xef\xbb\xbf"
_SECONDS = 3.0
_LONGEST = 64 * 1024
"""Bytes of a first event above which it is none that names an endpoint."""


class OldTransport(UpstreamFailed):
    """The server speaks only HTTP+SSE; it stays so until it is another server."""

    def __init__(self, server: str) -> None:
        """Say what to do about the server of this name."""
        what = f"the server `{server}` speaks only HTTP+SSE of 2024-11-05, which Placet does not"
        instead = "put mcp-remote or mcp-proxy before it, as a `command`"
        super().__init__(f"{what}: {instead}", sent=True, fault=Fault.UNREADABLE)


async def check_transport(
    server: str, upstream: Upstream, listening: UpstreamRequest, status: int
) -> None:
    """Look whether a server that answered `initialize` with this HTTP status speaks HTTP+SSE.

    `listening` is a GET; its answer is read to its first event, for 3 seconds
    at most. Raises OldTransport where that names an endpoint.
    """
    if status not in _NOT_SPOKEN:
        return
    answer: UpstreamAnswer | None = None
    try:
        async with asyncio.timeout(_SECONDS):
            answer = await upstream.forward(listening)
            if _streams(answer) and answer.stream is not None:
                await _read(answer.stream, server)
    except OldTransport:
        raise
    except (UpstreamFailed, TimeoutError):
        return
    finally:
        if answer is not None and answer.stream is not None:
            await answer.stream.aclose()


async def check_refusal(
    server: str, upstream: Upstream, request: UpstreamRequest, answer: UpstreamAnswer
) -> None:
    """Look the same up where a caller's `initialize` got this answer, which is no JSON-RPC error.

    Raises OldTransport; the answer is given up then.
    """
    if b'"jsonrpc"' in (answer.body or b""):
        return
    headers = CIMultiDict({"Accept": "text/event-stream"})
    listening = UpstreamRequest("GET", headers, b"", None, Era.LEGACY, request.agent)
    try:
        await check_transport(server, upstream, listening, answer.status)
    except OldTransport:
        if answer.stream is not None:
            await answer.stream.aclose()
        raise


def without_endpoint(answer: UpstreamAnswer, server: str) -> UpstreamAnswer:
    """Return an answer to GET whose stream fails where it begins as one of HTTP+SSE does.

    The address in that event leads nowhere here. Whoever closes the stream of
    what is returned closes that of `answer`.
    """
    if answer.stream is None or not _streams(answer):
        return answer
    return answer._replace(stream=_checked(answer.stream, server))


def _streams(answer: UpstreamAnswer) -> bool:
    streams = is_event_stream(answer.headers.get("Content-Type", ""))
    return answer.status == _OK and streams and "Content-Encoding" not in answer.headers


async def _read(stream: ByteStream, server: str) -> None:
    """Read to the first event. Raises OldTransport."""
    first = _FirstEvent(server)
    async for chunk in stream:
        first.feed(chunk)
        if first.passed:
            return


async def _checked(stream: ByteStream, server: str) -> AsyncGenerator[bytes, None]:
    """Yield the bytes of a stream, those of its first event once they are known."""
    first = _FirstEvent(server)
    try:
        async for chunk in stream:
            passes = chunk if first.passed else first.feed(chunk)
            if passes:
                yield passes
        if first.held:
            yield first.held
    finally:
        await stream.aclose()


class _FirstEvent:
    """The first event of a stream, in whatever pieces it comes; comments before it are none.

    `held` is what has come of it, `passed` says that it is an event like all others.
    """

    def __init__(self, server: str) -> None:
        self._server = server
        self._blocks = EventBlocks()
        self.held = b""
        self.passed = False

    def feed(self, chunk: bytes) -> bytes:
        """Take more of the stream, and return what can go on. Raises OldTransport."""
        self.held += chunk
        events = [block for block in self._blocks.feed(chunk) if data_of(block) is not None]
        if events and _names_endpoint(events[0]):
            raise OldTransport(self._server)
        self.passed = bool(events) or len(self._blocks) > _LONGEST
        if len(self._blocks) and not self.passed:
            return b""
        passes, self.held = self.held, b""
        return passes


def _names_endpoint(block: bytes) -> bool:
    lines = block.removeprefix(_MARK).splitlines()
    return any(line.replace(b" ", b"") == b"event:endpoint" for line in lines)
