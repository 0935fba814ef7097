"""What the tests of the bridge share: requests as callers send them, and a bare HTTP front."""

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from multidict import CIMultiDict

from gateway.started.bridge import Bridge
from gateway.started.stdio_server import ServerCommand
from gateway.upstreams import Era, UpstreamAnswer, UpstreamRequest
from policies.values.strict_json import parse

SERVERS = Path(__file__).parent / "stdio_servers"
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "SLACK_BOT_TOKEN": "not for servers"}
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
PASSED = ("Accept", "Mcp-Session-Id", "MCP-Protocol-Version")


def command(script: str, **added: str) -> ServerCommand:
    return ServerCommand("odd", [sys.executable, str(SERVERS / script)], ENVIRONMENT, added)


@asynccontextmanager
async def bridged(
    script: str = "odd_server.py", *, silence: float = 60, **added: str
) -> AsyncIterator[Bridge]:
    bridge = Bridge(command(script, **added), silence=silence, first_delay=0.05)
    await bridge.start()
    try:
        yield bridge
    finally:
        await bridge.close()


def legacy(
    method: str, params: object = None, *, session: str = "s1", number: object = 1
) -> UpstreamRequest:
    message: dict[str, object] = {"jsonrpc": "2.0", "id": number, "method": method}
    if number is None:
        del message["id"]
    if params is not None:
        message["params"] = params
    return raw(json.dumps(message).encode(), session=session)


def modern(
    method: str, params: dict[str, Any] | None = None, *, number: object = 1
) -> UpstreamRequest:
    said = {**(params or {}), "_meta": {**META, **(params or {}).get("_meta", {})}}
    message = {"jsonrpc": "2.0", "id": number, "method": method, "params": said}
    return raw(json.dumps(message).encode(), era=Era.MODERN)


def raw(
    body: bytes, *, session: str = "", era: Era = Era.LEGACY, method: str = "POST"
) -> UpstreamRequest:
    headers = CIMultiDict({"Accept": "application/json, text/event-stream"})
    if session:
        headers["Mcp-Session-Id"] = session
    message: Any = parse(body) if body else None
    return UpstreamRequest(method, headers, body, message, era, "ci-bot")


def tool(name: str, **arguments: object) -> dict[str, Any]:
    return {"name": name, "arguments": arguments}


def said(answer: UpstreamAnswer) -> Any:
    assert answer.body is not None
    return json.loads(answer.body)


def told(event: bytes) -> Any:
    """Return the message in one server-sent event."""
    kind, data, *_ = event.decode().split("\n")
    assert kind == "event: message"
    return json.loads(data.removeprefix("data: "))


async def state(bridge: Bridge) -> Any:
    """Return what the odd server remembers."""
    answer = await bridge.forward(legacy("tools/call", tool("state"), session="watcher"))
    return said(answer)["result"]


@asynccontextmanager
async def over_http(bridge: Bridge) -> AsyncIterator[str]:
    """Serve a bridge on loopback with nothing in between, and yield its address."""

    async def forward(request: web.Request) -> web.StreamResponse:
        body = await request.read()
        is_modern = b"modelcontextprotocol/protocolVersion" in body
        era = Era.MODERN if is_modern else Era.LEGACY
        headers = CIMultiDict({n: request.headers[n] for n in PASSED if n in request.headers})
        message: Any = parse(body) if body else None
        answer = await bridge.forward(
            UpstreamRequest(request.method, headers, body, message, era, "ci-bot")
        )
        if answer.stream is None:
            return web.Response(status=answer.status, headers=answer.headers, body=answer.body)
        response = web.StreamResponse(status=answer.status, headers=answer.headers)
        await response.prepare(request)
        try:
            async for chunk in answer.stream:
                await response.write(chunk)
        finally:
            await answer.stream.aclose()
        return response

    application = web.Application()
    application.router.add_route("*", "/mcp", forward)
    server = TestServer(application)
    await server.start_server()
    try:
        yield str(server.make_url("/mcp"))
    finally:
        await server.close()
