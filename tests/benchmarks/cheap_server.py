"""An MCP server that costs next to nothing, so that what stands before it is what is measured.

`GET /counts` says how many connections, messages and calls have come. It speaks just so much HTTP
as well-behaved clients need; run it as `python cheap_server.py PORT`.
"""

import asyncio
import json
import sys

import httptools

VERSION = "2026-07-28"
TOOLS = [
    {
        "name": name,
        "description": "Read back the text that was given.",
        "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}},
        "annotations": {"readOnlyHint": True},
    }
    for name in ("read_echo", "drop_echo")
]
COUNTS = {"connections": 0, "messages": 0, "calls": 0}
COMPLETE = {"resultType": "complete", "ttlMs": 60_000, "cacheScope": "public"}


def http(status: str, body: bytes) -> bytes:
    """Return a whole HTTP answer."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


def response(number: object, result: dict[str, object]) -> bytes:
    """Return the JSON-RPC response to the request `number`."""
    return json.dumps({"jsonrpc": "2.0", "id": number, "result": result | COMPLETE}).encode()


def echoed(text: str) -> bytes:
    """Return the answer to the call whose id is 1, with `text` in it."""
    content = [{"type": "text", "text": text}]
    return http("200 OK", response(1, {"content": content, "isError": False}))


ECHO = echoed("x" * 64)
"""The answer to every call: they are all alike."""


def answered(body: bytes) -> bytes:
    """Return the answer to a POST."""
    COUNTS["messages"] += 1
    if b'"tools/call"' in body:
        COUNTS["calls"] += 1
        return ECHO
    message = json.loads(body)
    match message["method"]:
        case "server/discover":
            result = {"supportedVersions": [VERSION], "capabilities": {"tools": {}}}
        case "initialize":
            version = message["params"]["protocolVersion"]
            result = {"protocolVersion": version, "capabilities": {"tools": {}}}
            result["serverInfo"] = {"name": "cheap", "version": "1"}
        case "tools/list":
            result = {"tools": TOOLS}
        case _ if "id" not in message:
            return http("202 Accepted", b"")
        case _:
            error = {"code": -32601, "message": "no such method"}
            answer = {"jsonrpc": "2.0", "id": message["id"], "error": error}
            return http("404 Not Found", json.dumps(answer).encode())
    return http("200 OK", response(message["id"], result))


class Speaker(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._body: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        COUNTS["connections"] += 1
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        body = b"".join(self._body)
        self._body.clear()
        match self._parser.get_method():
            case b"POST":
                answer = answered(body)
            case b"GET" if b"text/event-stream" not in self._accepted:
                answer = http("200 OK", json.dumps(COUNTS).encode())
            case _:
                answer = http("405 Method Not Allowed", b"")
        self._transport.write(answer)

    _accepted = b""

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"accept":
            self._accepted = value


async def main(port: int) -> None:
    """Serve for ever."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Speaker, "127.0.0.1", port, backlog=512)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
