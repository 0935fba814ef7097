"""The demo's MCP server: tools with real effects on the files of one scratch folder."""

import asyncio
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from placet_demo_folder import NotDone, ScratchFolder
from policies.values.calls import JsonValue
from policies.values.strict_json import NotStrict, canonical, parse, plain

_VERSIONS = ("2025-03-26", "2025-06-18", "2025-11-25")
_MODERN_VERSION = "2026-07-28"
_VERSION_KEY = "io.modelcontextprotocol/protocolVersion"
_SERVER_KEY = "io.modelcontextprotocol/serverInfo"
_SERVER = {"name": "placet-demo-files", "title": "Demo files", "version": "1"}
_CAPABILITIES: Final[Mapping[str, object]] = {"tools": {}}
_LARGEST = 1024 * 1024
_PATH: Final = {"type": "string", "description": "A path relative to the scratch folder"}


def _tool(
    name: str, description: str, required: Mapping[str, Any], **hints: bool
) -> dict[str, object]:
    return {
        "name": name,
        "description": description,
        "inputSchema": {
            "type": "object",
            "properties": dict(required),
            "required": sorted(required),
            "additionalProperties": False,
        },
        "annotations": {"openWorldHint": False, **hints},
    }


TOOLS: Final = (
    _tool("list_files", "List all files of the scratch folder", {}, readOnlyHint=True),
    _tool("read_file", "Read a text file", {"path": _PATH}, readOnlyHint=True),
    _tool(
        "write_file",
        "Create a text file, or replace its text; the old text is kept as NAME.previous",
        {"path": _PATH, "content": {"type": "string", "description": "The whole new text"}},
        readOnlyHint=False,
        destructiveHint=False,
        idempotentHint=True,
    ),
    _tool(
        "delete_file",
        "Delete a file for good",
        {"path": _PATH},
        readOnlyHint=False,
        destructiveHint=True,
        idempotentHint=False,
    ),
)
"""The tools as the server lists them."""


@dataclass
class _Server:
    """Speaks streamable HTTP (specification, transports), with sessions and without."""

    tools: Mapping[str, Callable[[Mapping[str, Any]], str]]
    sessions: set[str] = field(default_factory=set)

    async def post(self, request: web.Request) -> web.Response:
        """Answer one message."""
        try:
            message = parse(await request.read())
        except NotStrict as flaw:
            return _error(400, None, -32700, str(flaw))
        if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
            return _error(400, None, -32600, "send one JSON-RPC 2.0 message")
        method, number = message.get("method"), message.get("id")
        if number is None or method is None:
            return web.Response(status=202)
        params = message.get("params")
        asked = plain(params) if isinstance(params, dict) else {}
        assert isinstance(asked, dict)
        meta = asked.get("_meta")
        if isinstance(meta, dict) and _VERSION_KEY in meta:
            return await self._modern(number, str(method), asked, meta[_VERSION_KEY])
        return await self._legacy(request, number, str(method), asked)

    async def _legacy(
        self, request: web.Request, number: JsonValue, method: str, asked: Mapping[str, Any]
    ) -> web.Response:
        if method == "initialize":
            wanted = asked.get("protocolVersion")
            version = wanted if wanted in _VERSIONS else _VERSIONS[-1]
            said: dict[str, object] = {
                "protocolVersion": version,
                "capabilities": _CAPABILITIES,
                "serverInfo": _SERVER,
            }
            session = secrets.token_hex(16)
            self.sessions.add(session)
            answer = _result(number, said)
            answer.headers["Mcp-Session-Id"] = session
            return answer
        if request.headers.get("Mcp-Session-Id") not in self.sessions:
            missing = "Mcp-Session-Id" not in request.headers
            return _error(400 if missing else 404, number, -32600, "initialize a session first")
        match method:
            case "ping":
                return _result(number, {})
            case "tools/list":
                return _result(number, {"tools": TOOLS})
            case "tools/call":
                return await self._called(number, asked, 200)
            case _:
                return _error(200, number, -32601, "the server has no such method")

    async def _modern(
        self, number: JsonValue, method: str, asked: Mapping[str, Any], version: object
    ) -> web.Response:
        if version != _MODERN_VERSION:
            details = {"supported": [_MODERN_VERSION], "requested": version}
            return _error(400, number, -32022, "the version is not spoken here", details)
        kept = {"ttlMs": 60_000, "cacheScope": "public"}
        whole = {"resultType": "complete", "_meta": {_SERVER_KEY: _SERVER}}
        match method:
            case "server/discover":
                said: dict[str, object] = {
                    "supportedVersions": [_MODERN_VERSION],
                    "capabilities": _CAPABILITIES,
                }
                return _result(number, {**whole, **kept, **said})
            case "tools/list":
                return _result(number, {**whole, **kept, "tools": TOOLS})
            case "tools/call":
                return await self._called(number, asked, 400, whole)
            case _:
                return _error(404, number, -32601, "the server has no such method")

    async def _called(
        self,
        number: JsonValue,
        asked: Mapping[str, Any],
        unknown: int,
        whole: Mapping[str, object] | None = None,
    ) -> web.Response:
        """Run a tool; what it could not do is a result the model can read."""
        tool = self.tools.get(str(asked.get("name")))
        if tool is None:
            return _error(unknown, number, -32602, "the server has no such tool")
        arguments = asked.get("arguments", {})
        try:
            _check(str(asked["name"]), arguments)
            text, failed = await asyncio.to_thread(tool, arguments), False
        except NotDone as reason:
            text, failed = str(reason), True
        said = {"content": [{"type": "text", "text": text}], "isError": failed}
        return _result(number, {**(whole or {}), **said})

    async def get(self, _: web.Request) -> web.Response:
        """Refuse a stream: the server has nothing to tell by itself."""
        return web.Response(status=405, headers={"Allow": "POST, DELETE"})

    async def delete(self, request: web.Request) -> web.Response:
        """End a session."""
        self.sessions.discard(request.headers.get("Mcp-Session-Id", ""))
        return web.Response(status=200)


def demo_server(folder: Path) -> web.Application:
    """Return an MCP server at `/mcp` whose tools act on `folder` (streamable HTTP, both eras)."""
    scratch = ScratchFolder(folder)
    tools = {
        "list_files": scratch.list_files,
        "read_file": scratch.read_file,
        "write_file": scratch.write_file,
        "delete_file": scratch.delete_file,
    }
    server = _Server(tools)
    application = web.Application(client_max_size=4 * _LARGEST)
    application.router.add_post("/mcp", server.post)
    application.router.add_get("/mcp", server.get, allow_head=False)
    application.router.add_delete("/mcp", server.delete)
    return application


def _check(name: str, arguments: object) -> None:
    """Refuse arguments that are not the texts which the tool's schema asks for."""
    schema: Any = next(tool["inputSchema"] for tool in TOOLS if tool["name"] == name)
    if not isinstance(arguments, dict) or set(arguments) != set(schema["required"]):
        wanted = ", ".join(f"`{member}`" for member in schema["required"]) or "nothing"
        raise NotDone(f"`{name}` takes {wanted}")
    if not all(isinstance(value, str) for value in arguments.values()):
        raise NotDone(f"`{name}` takes texts")


def _result(number: JsonValue, said: Mapping[str, object]) -> web.Response:
    return _json(200, f'{{"jsonrpc":"2.0","id":{canonical(number)},"result":{json.dumps(said)}}}')


def _error(
    status: int, number: JsonValue, code: int, message: str, details: object = None
) -> web.Response:
    said = {"code": code, "message": message, **({"data": details} if details else {})}
    text = f'{{"jsonrpc":"2.0","id":{canonical(number)},"error":{json.dumps(said)}}}'
    return _json(status, text)


def _json(status: int, text: str) -> web.Response:
    return web.Response(status=status, body=text.encode(), content_type="application/json")
