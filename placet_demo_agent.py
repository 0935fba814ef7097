"""The demo's agent: it calls tools through the gateway, and asks again while it has to wait."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientError, ClientSession

from gateway.calls.answers import META_KEY, Told

_VERSION = "2026-07-28"
_META = {
    "io.modelcontextprotocol/protocolVersion": _VERSION,
    "io.modelcontextprotocol/clientCapabilities": {},
}
_PAUSE = 1.0
_WAITING = {Told.PENDING.value, Told.UNDELIVERABLE.value}


class CallFailed(Exception):
    """A call was answered with an error, or not at all."""


@dataclass(frozen=True)
class Reply:
    """What a call was answered: text, and `status` where Placet answered in the server's place."""

    text: str
    status: str | None

    @property
    def waits(self) -> bool:
        """Whether the same call, made again, may still run."""
        return self.status in _WAITING


@dataclass(frozen=True)
class DemoAgent:
    """An agent, with a key or anonymous; `url` is a server's path at the gateway."""

    http: ClientSession
    url: str
    key: str | None

    async def insist(self, tool: str, arguments: Mapping[str, str]) -> Reply:
        """Make a call until it is decided. Raises CallFailed."""
        reply = await self.call(tool, arguments)
        while reply.waits:
            await asyncio.sleep(_PAUSE)
            reply = await self.call(tool, arguments)
        return reply

    async def call(self, tool: str, arguments: Mapping[str, str]) -> Reply:
        """Make a call once. Raises CallFailed."""
        headers = headers_of(tool)
        if self.key is not None:
            headers["Authorization"] = f"Bearer {self.key}"
        try:
            async with self.http.post(
                self.url, data=message_of(tool, arguments), headers=headers
            ) as answer:
                told: Any = await answer.json(content_type=None)
        except (ClientError, TimeoutError, ValueError) as error:
            raise CallFailed(str(error) or type(error).__name__) from error
        if "result" not in told:
            raise CallFailed(str(told.get("error", {}).get("message")))
        result = told["result"]
        text = "\n".join(str(each.get("text", "")) for each in result.get("content", ()))
        return Reply(text, result.get("_meta", {}).get(META_KEY, {}).get("status"))


def headers_of(tool: str) -> dict[str, str]:
    """Return the headers of a call (specification 2026-07-28, transports)."""
    return {
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": _VERSION,
        "Mcp-Method": "tools/call",
        "Mcp-Name": tool,
    }


def message_of(tool: str, arguments: Mapping[str, str]) -> str:
    """Return the JSON-RPC message of a call."""
    params = {"name": tool, "arguments": dict(arguments), "_meta": _META}
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
