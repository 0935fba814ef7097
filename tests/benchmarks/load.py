"""Makes the same call again and again over so many connections, as cheaply as Python can."""

import asyncio
import json
import time
from dataclasses import dataclass

KEY = "bench-key-0123456789-0123456789-0123456789"
MODERN = "2026-07-28"
LEGACY = "2025-11-25"
META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": {},
}


@dataclass(frozen=True)
class Target:
    """Where calls go: a port, the tool that is called, and what its answer must hold."""

    name: str
    port: int
    tool: str = "read_echo"
    expected: bytes = b"xxxx"


def request_to(target: Target, version: str) -> bytes:
    """Return the whole HTTP request of one call with 64 bytes of text."""
    params = {"name": target.tool, "arguments": {"text": "x" * 64}}
    headers = [
        "POST /mcp/echo HTTP/1.1",
        f"Host: 127.0.0.1:{target.port}",
        "Connection: keep-alive",  # as httpx and Node's fetch say it, which most clients use
        f"Authorization: Bearer {KEY}",
        "Content-Type: application/json",
        "Accept: application/json, text/event-stream",
        f"MCP-Protocol-Version: {version}",
    ]
    if version == MODERN:
        params["_meta"] = META
        headers += ["Mcp-Method: tools/call", f"Mcp-Name: {target.tool}"]
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    body = json.dumps(message).encode()
    headers.append(f"Content-Length: {len(body)}")
    return "\r\n".join(headers).encode() + b"\r\n\r\n" + body


class Caller(asyncio.Protocol):
    """One connection: each whole answer is followed by the next call, until `until`."""

    def __init__(self, request: bytes, expected: bytes) -> None:
        self._request = request
        self._expected = expected
        self._got = b""
        self._began = 0.0
        self._until = 0.0
        self.took: list[float] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def begin(self, seconds: float) -> None:
        """Call for so many seconds."""
        self._until = time.perf_counter() + seconds
        self._call()

    def _call(self) -> None:
        self._began = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        got = self._got = self._got + data
        head = got.find(b"\r\n\r\n")
        if head < 0:
            return
        at = got.lower().find(b"content-length:", 0, head)
        if len(got) < head + 4 + int(got[at + 15 : got.find(b"\r\n", at)]):
            return
        now = time.perf_counter()
        self.took.append(now - self._began)
        if not got.startswith(b"HTTP/1.1 200") or self._expected not in got:
            self.connection_lost(RuntimeError(got))
            return
        self._got = b""
        if now < self._until:
            self._call()
        elif not self.done.done():
            self.done.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error or RuntimeError("the connection was closed"))

    def close(self) -> None:
        """Let the connection go."""
        self._transport.close()


async def measure(target: Target, connections: int, seconds: float, version: str) -> list[float]:
    """Call for some seconds; return the seconds that each call took.

    Raises RuntimeError at any other answer than the one that is expected.
    """
    loop = asyncio.get_running_loop()
    request = request_to(target, version)
    callers: list[Caller] = []
    for _ in range(connections):
        _, caller = await loop.create_connection(
            lambda: Caller(request, target.expected), "127.0.0.1", target.port
        )
        callers.append(caller)
    for caller in callers:
        caller.begin(seconds)
    await asyncio.gather(*(caller.done for caller in callers))
    for caller in callers:
        caller.close()
    return [each for caller in callers for each in caller.took]
