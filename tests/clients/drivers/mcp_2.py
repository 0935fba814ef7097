"""Drives the official Python client from 2.0 on: `mcp_2.py auto` or `mcp_2.py legacy`."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from lines import Notice, drive, dumped
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

MODE = sys.argv[1]


class Official:
    """A connection of the official client."""

    def __init__(self, client: Client) -> None:
        """Take the client, connected."""
        self._client = client

    async def about(self) -> dict[str, Any]:
        return {
            "version": self._client.protocol_version,
            "name": self._client.server_info.name,
            "instructions": self._client.instructions,
        }

    async def tools(self) -> list[str]:
        return [tool.name for tool in (await self._client.list_tools()).tools]

    async def call(self, tool: str, arguments: dict[str, Any], notice: Notice) -> Any:
        return dumped(await self._client.call_tool(tool, arguments, progress_callback=notice))


@asynccontextmanager
async def connect(url: str, key: str) -> AsyncIterator[Official]:
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx2.AsyncClient(headers=headers, timeout=90) as http:
        transport = streamable_http_client(url, http_client=http)
        async with Client(transport, mode=MODE) as client:
            yield Official(client)


drive(connect)
