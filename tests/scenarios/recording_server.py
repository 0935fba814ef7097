"""A real MCP server on loopback that remembers every request and every execution."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from aiohttp import web

TOOLS: list[dict[str, Any]] = [
    {
        "name": "read_file",
        "description": "Read a file of the scratch folder.",
        "inputSchema": {"type": "object", "properties": {"path": {"type": "string"}}},
        "annotations": {"readOnlyHint": True},
    },
    {
        "name": "write_file",
        "description": "Write a file of the scratch folder.",
        "inputSchema": {
            "type": "object",
            "properties": {"path": {"type": "string"}, "text": {"type": "string"}},
        },
    },
    {
        "name": "delete_file",
        "description": "Delete a file of the scratch folder.",
        "inputSchema": {"type": "object", "properties": {"path": {"type": "string"}}},
        "annotations": {"destructiveHint": True},
    },
    {
        "name": "drop_table",
        "description": "Drop a table.",
        "inputSchema": {"type": "object", "properties": {"table": {"type": "string"}}},
    },
]


class RecordingServer:
    """Speaks streamable HTTP in both eras; `bodies` are the bytes that arrived, in order.

    `runs` are the tools/call requests that were executed, as (tool, arguments).
    While `asks` is set, a call that brings no answers is asked for some first.
    While `gate` is clear a call hangs after it was executed. With `streams`
    it has streams of changes, which nothing ever comes on. With a `fault` it is
    that which answers the calls, by their ids; they are not executed.
    """

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.runs: list[tuple[str, dict[str, Any]]] = []
        self.tools = [dict(tool) for tool in TOOLS]
        self.asks = False
        self.gate = asyncio.Event()
        self.gate.set()
        self.streams = False
        self.fault: Callable[[Any], web.Response] | None = None
        self.url = ""
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        application = web.Application(client_max_size=200 * 2**20)
        application.router.add_post("/mcp", self._answer)
        application.router.add_get("/mcp", self._listen)
        self._runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{port}/mcp"

    async def close(self) -> None:
        self.gate.set()
        if self._runner is not None:
            await self._runner.cleanup()

    def calls(self) -> list[bytes]:
        """Return the bodies that were tools/call requests."""
        return [body for body in self.bodies if b"tools/call" in body]

    async def _listen(self, request: web.Request) -> web.StreamResponse:
        """Open a stream on which nothing comes; a request to listen is acknowledged."""
        if not self.streams:
            return web.Response(status=405)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        told = {"jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged"}
        if request.method == "POST":
            await response.write(b"data: " + json.dumps(told).encode() + b"\n\n")
        await asyncio.Event().wait()
        return response

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.bodies.append(body)
        self.headers.append(dict(request.headers))
        message = json.loads(body)
        if "id" not in message:
            return web.Response(status=202)
        if self.streams and message["method"] == "subscriptions/listen":
            return await self._listen(request)
        if self.fault is not None and message["method"] == "tools/call":
            return self.fault(message["id"])
        modern = "io.modelcontextprotocol/protocolVersion" in str(
            message.get("params", {}).get("_meta", {})
        )
        result = await self._result(message)
        if modern:
            result.setdefault("resultType", "complete")
        answer = {"jsonrpc": "2.0", "id": message["id"], "result": result}
        return web.json_response(answer)

    async def _result(self, message: dict[str, Any]) -> dict[str, Any]:
        match message["method"]:
            case "initialize":
                return {
                    "protocolVersion": message["params"]["protocolVersion"],
                    "capabilities": {"tools": {}},
                    "serverInfo": {"name": "recording", "version": "1"},
                }
            case "server/discover":
                return {
                    "supportedVersions": ["2026-07-28"],
                    "capabilities": {"tools": {}},
                    "ttlMs": 0,
                    "cacheScope": "private",
                }
            case "tools/list":
                return {"tools": self.tools, "ttlMs": 0, "cacheScope": "private"}
            case "tools/call":
                return await self._run(message["params"])
            case _:
                return {}

    async def _run(self, params: dict[str, Any]) -> dict[str, Any]:
        arguments = params.get("arguments", {})
        if self.asks and "inputResponses" not in params:
            asked = {"name": {"method": "elicitation/create", "params": {"message": "Who?"}}}
            state = {"requestState": "state of the server"}
            return {"resultType": "input_required", "inputRequests": asked, **state}
        self.runs.append((params["name"], arguments))
        await self.gate.wait()
        return {"content": [{"type": "text", "text": f"done: {params['name']} {arguments}"}]}
