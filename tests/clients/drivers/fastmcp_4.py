"""Drives fastmcp's client: `fastmcp_4.py plain`, or `tasks` for one that can drive tasks."""

import importlib
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport
from lines import Notice, drive, dumped

if sys.argv[1] == "tasks":
    importlib.import_module("fastmcp_tasks.client")  # from then on every client declares tasks


class Fast:
    """A connection of fastmcp's client."""

    def __init__(self, client: Client) -> None:
        """Take the client, connected."""
        self._client = client

    async def about(self) -> dict[str, Any]:
        return {
            "version": self._client.session.protocol_version,
            "name": self._client.session.server_info.name,
            "instructions": self._client.session.instructions,
        }

    async def tools(self) -> list[str]:
        return [tool.name for tool in await self._client.list_tools()]

    async def call(self, tool: str, arguments: dict[str, Any], notice: Notice) -> Any:
        return dumped(await self._client.call_tool_mcp(tool, arguments, notice))


@asynccontextmanager
async def connect(url: str, key: str) -> AsyncIterator[Fast]:
    transport = StreamableHttpTransport(url, headers={"Authorization": f"Bearer {key}"})
    async with Client(transport) as client:
        yield Fast(client)


drive(connect)
