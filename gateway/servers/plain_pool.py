"""Keeps plain connections to one server, as many as are used at once."""

import asyncio
import socket
from collections.abc import Coroutine
from typing import Any

from aiohappyeyeballs import start_connection
from yarl import URL

from gateway.servers.plain_connection import NotSent, PlainConnection
from gateway.servers.turns import Bounds
from gateway.servers.unreached import unreached
from gateway.upstreams import Traffic, UpstreamAnswer, UpstreamFailed
from gateway.wire.silent_peers import outgoing

_READ_AT_ONCE = 64 * 1024
_LOOKS = 4
"""How often one looks whether a server is silent, in the time that it may be."""

_NEXT_ADDRESS = 0.25
"""Seconds after which a second address of the server is tried beside the first (RFC 8305)."""


class PlainPool:
    """The connections to one server over plain HTTP.

    A request is sent once: it is given another connection only where the
    first one was closed before any of its bytes could be sent.
    """

    def __init__(self, name: str, url: URL, bounds: Bounds, kept: float, traffic: Traffic) -> None:
        """Name the server; an idle connection is kept for `kept` seconds."""
        self._name = name
        self._url = url
        self._bounds = bounds
        self._kept = kept
        self._traffic = traffic
        self._buffer = memoryview(bytearray(_READ_AT_ONCE))
        self._open: set[PlainConnection] = set()
        self._idle: list[PlainConnection] = []
        self._sweeping: asyncio.TimerHandle | None = None
        self._watching: asyncio.TimerHandle | None = None
        self._closed = False

    def send(self, head: bytes, body: bytes) -> Coroutine[Any, Any, UpstreamAnswer]:
        """Send a request, and return what waits for the answer. That raises UpstreamFailed.

        Cancelling it closes its connection.
        """
        while (connection := self._kept_one()) is not None:
            try:
                return connection.exchange(head, body)
            except NotSent:
                continue
        return self._sent_anew(head, body)

    async def _sent_anew(self, head: bytes, body: bytes) -> UpstreamAnswer:
        """Send a request over a new connection."""
        try:
            connection = await self._opened()
            return await connection.exchange(head, body)
        except (NotSent, TimeoutError, OSError) as error:
            raise UpstreamFailed(unreached(self._name, error), sent=False) from error

    def close(self) -> None:
        """Close every connection, whatever is under way on it."""
        self._closed = True
        for timer in (self._sweeping, self._watching):
            if timer is not None:
                timer.cancel()
        self._idle.clear()
        for connection in self._open:
            connection.close()

    async def _opened(self) -> PlainConnection:
        """Return a new connection; one that nobody waits for any more is closed once it is there.

        Connecting itself is not cancelled: a race of addresses may lose the winner's socket.
        """
        connecting = asyncio.ensure_future(self._connected())
        try:
            return await asyncio.shield(connecting)
        except asyncio.CancelledError:
            connecting.add_done_callback(_close)
            raise

    async def _connected(self) -> PlainConnection:
        assert self._url.host is not None, "the configuration names a host"
        assert self._url.port is not None, "http has one"
        async with asyncio.timeout(self._bounds.connect):
            connection = await self._connected_to(self._url.host, self._url.port)
        self._traffic.opened += 1
        self._open.add(connection)
        if self._closed:
            connection.close()
        elif self._watching is None:
            self._watch()
        return connection

    async def _connected_to(self, host: str, port: int) -> PlainConnection:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        sock = await start_connection(
            found, happy_eyeballs_delay=_NEXT_ADDRESS, socket_factory=outgoing
        )
        try:
            _, connection = await loop.create_connection(
                lambda: PlainConnection(self._name, self, self._buffer), sock=sock
            )
        except BaseException:
            sock.close()
            raise
        return connection

    def _kept_one(self) -> PlainConnection | None:
        """Return the connection that was used last, if the server has kept it."""
        while self._idle:
            connection = self._idle.pop()
            if connection.usable():
                return connection
            connection.close()
        return None

    def lost(self, connection: PlainConnection) -> None:
        """Let go of a connection that has ended."""
        self._open.discard(connection)

    def free(self, connection: PlainConnection) -> None:
        """Keep a connection for the next request."""
        if self._closed:
            connection.close()
            return
        self._idle.append(connection)
        if self._sweeping is None:
            loop = asyncio.get_running_loop()
            self._sweeping = loop.call_later(self._kept, self._sweep)

    def _sweep(self) -> None:
        """Close what was idle for too long; the oldest come first."""
        loop = asyncio.get_running_loop()
        self._sweeping = None
        long_ago = loop.time() - self._kept
        while self._idle and self._idle[0].heard <= long_ago:
            self._idle.pop(0).close()
        if self._idle:
            self._sweeping = loop.call_at(self._idle[0].heard + self._kept, self._sweep)

    def _watch(self) -> None:
        """Give servers up that say nothing, and look again."""
        silence = self._bounds.silence
        for connection in tuple(self._open):
            connection.give_up_if_silent(silence)
        self._watching = None
        if self._open:
            loop = asyncio.get_running_loop()
            self._watching = loop.call_later(silence / _LOOKS, self._watch)


def _close(connecting: "asyncio.Future[PlainConnection]") -> None:
    if not connecting.cancelled() and connecting.exception() is None:
        connecting.result().close()
