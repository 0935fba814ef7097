"""Socket Mode: envelopes over WebSockets that the app opens.

https://docs.slack.dev/apis/events-api/using-socket-mode
"""

import asyncio
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from bot.workspace.delivery import Ack, Unanswered

CONNECTIONS_AT_MOST = 10
CLOSING_SECONDS = 1.0


@dataclass(eq=False)
class SocketMode:
    """The app's connections; each envelope goes to one of them in turn.

    `changed` hears how many there are whenever that changes.
    """

    app_id: str
    app_name: str
    ack_seconds: float
    changed: Callable[[int], None]
    _tickets: set[str] = field(default_factory=set)
    _connections: list[web.WebSocketResponse] = field(default_factory=list)
    _transports: dict[web.WebSocketResponse, asyncio.Transport] = field(default_factory=dict)
    _deaf: set[web.WebSocketResponse] = field(default_factory=set)
    _waiting: dict[str, asyncio.Future[Ack]] = field(default_factory=dict)
    _turn: int = 0

    @property
    def connected(self) -> int:
        """Return how many connections the app has."""
        return len(self._connections)

    def ticket(self) -> str:
        """Return a ticket that opens one connection."""
        ticket = secrets.token_urlsafe(24)
        self._tickets.add(ticket)
        return ticket

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection until it ends; the query carries its ticket."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=403, text="unknown ticket")
        self._tickets.discard(ticket)
        if self.connected >= CONNECTIONS_AT_MOST:
            return web.Response(status=409, text="too many connections")
        connection = web.WebSocketResponse(timeout=CLOSING_SECONDS, max_msg_size=1_000_000)
        await connection.prepare(request)
        self._connections.append(connection)
        self.changed(self.connected)
        if request.transport is not None:
            self._transports[connection] = request.transport
        try:
            await connection.send_json(self._hello())
            async for message in connection:
                if message.type is WSMsgType.TEXT:
                    self._take_ack(message.data)
        finally:
            self._connections.remove(connection)
            self._transports.pop(connection, None)
            self._deaf.discard(connection)
            self.changed(self.connected)
        return connection

    async def deliver(self, kind: str, payload: dict[str, Any], copies: int = 1) -> Ack:
        """Send an envelope to one connection. Raises Unanswered."""
        envelope = secrets.token_hex(16)
        acked: asyncio.Future[Ack] = asyncio.get_running_loop().create_future()
        self._waiting[envelope] = acked
        message = {
            "envelope_id": envelope,
            "type": kind,
            "payload": payload,
            "accepts_response_payload": kind != "events_api",
        }
        try:
            for _ in range(copies):
                await self._send(message)
            return await asyncio.wait_for(acked, self.ack_seconds)
        except TimeoutError:
            raise Unanswered(f"{self.app_name} did not answer in time") from None
        finally:
            del self._waiting[envelope]

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """Ask every connection to be opened anew, as Slack does now and then, and close it."""
        for connection in list(self._connections):
            await connection.send_json({"type": "disconnect", "reason": reason, "debug_info": {}})
            await connection.close()

    def drop(self) -> None:
        """Cut every connection without a word."""
        for transport in list(self._transports.values()):
            transport.abort()

    def deafen(self) -> None:
        """Let every connection stand, but hear and say nothing on it any more."""
        for connection, transport in self._transports.items():
            transport.pause_reading()
            self._deaf.add(connection)

    async def close(self) -> None:
        """Close every connection."""
        for connection in list(self._connections):
            await connection.close()

    async def _send(self, message: dict[str, Any]) -> None:
        hearing = [each for each in self._connections if each not in self._deaf]
        for _ in range(len(hearing)):
            self._turn += 1
            connection = hearing[self._turn % len(hearing)]
            try:
                await connection.send_json(message)
            except (ConnectionError, RuntimeError):
                continue
            return
        raise Unanswered(f"{self.app_name} is not connected to this workspace")

    def _take_ack(self, text: str) -> None:
        try:
            said = json.loads(text)
        except ValueError:
            return
        match said:
            case {"envelope_id": str(envelope)}:
                acked = self._waiting.get(envelope)
                if acked is not None and not acked.done():
                    acked.set_result(Ack(said.get("payload") or {}))

    def _hello(self) -> dict[str, Any]:
        return {
            "type": "hello",
            "num_connections": self.connected,
            "connection_info": {"app_id": self.app_id},
            "debug_info": {"host": "local-workspace", "approximate_connection_time": 18060},
        }
