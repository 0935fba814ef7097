"""An HTTP server on loopback that says exactly the bytes a test wants, and keeps what it heard."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from multidict import CIMultiDict

from gateway.servers.http_upstream import HttpUpstream
from gateway.upstreams import Era, UpstreamRequest

ANSWER = b'{"jsonrpc":"2.0","id":1,"result":{}}'


def ok(body=ANSWER, *headers):
    """Return a plain answer of JSON."""
    lines = [b"HTTP/1.1 200 OK", b"Content-Type: application/json", *headers]
    return b"\r\n".join([*lines, b"Content-Length: %d" % len(body), b"", body])


class Wire:
    """One connection as the server sees it."""

    def __init__(self, number, reader, writer):
        self.number = number
        self.reader = reader
        self._writer = writer
        self.heard = 0

    async def say(self, data):
        """Send bytes, as far as the other side takes them."""
        self._writer.write(data)
        await self._writer.drain()

    def close(self):
        """Close the connection properly."""
        self._writer.close()

    def reset(self):
        """Break the connection off."""
        self._writer.transport.abort()

    async def ended(self):
        """Wait until the other side has closed the connection."""
        with contextlib.suppress(ConnectionError):
            while await self.reader.read(65536):
                pass


class RawUpstream:
    """Answers each request as `answer(wire)` does; `requests` holds each as it came."""

    def __init__(self):
        self.answer: Callable[[Wire], Awaitable[None]] = self.plainly
        self.requests: list[bytes] = []
        self.wires: list[Wire] = []
        self.failed: list[BaseException] = []

    async def plainly(self, wire):
        """Answer as servers do."""
        await wire.say(ok())

    def always(self, *data):
        """Answer each request with these bytes, each part once the one before has gone."""

        async def answer(wire):
            for part in data:
                await wire.say(part)

        self.answer = answer

    def last(self, data):
        """Answer with these bytes, and close."""

        async def answer(wire):
            await wire.say(data)
            wire.close()

        self.answer = answer

    async def serve(self, reader, writer):
        """Take one connection."""
        wire = Wire(len(self.wires), reader, writer)
        self.wires.append(wire)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0] or 0)
                self.requests.append(head + await reader.readexactly(length))
                wire.heard += 1
                await self.answer(wire)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        except asyncio.CancelledError:
            raise
        except BaseException as failed:  # noqa: BLE001  shown by the block's end
            self.failed.append(failed)
        finally:
            writer.close()


@contextlib.asynccontextmanager
async def raw_upstream(path="/mcp") -> AsyncIterator[tuple[RawUpstream, str]]:
    """Run a server for the length of a block; yield it and its address."""
    raw = RawUpstream()
    tasks: list[asyncio.Task[None]] = []

    def serve(reader, writer):
        tasks.append(asyncio.create_task(raw.serve(reader, writer)))
        tasks[-1].add_done_callback(lambda _: writer.close())  # also where it never began

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield raw, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}{path}"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert raw.failed == []


@contextlib.asynccontextmanager
async def reaching(url, headers=None, *, generally=False, **options) -> AsyncIterator[HttpUpstream]:
    """Open the way to a server for the length of a block, or the way that TLS would take."""
    upstream = HttpUpstream("raw", url, headers or {}, **options)
    await upstream.start()
    if generally:
        upstream._plain = None
    try:
        yield upstream
    finally:
        await upstream.close()


def posting(body=b"{}", headers=None, *, agent="ci-bot"):
    """Return a request as the gateway makes it."""
    return UpstreamRequest("POST", CIMultiDict(headers or {}), body, None, Era.MODERN, agent)
