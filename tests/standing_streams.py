"""Streams on which callers of a staged gateway hear of changes, in both eras."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import aiohttp
from gateway_stage import META, Stage, modern_headers, until


@contextlib.asynccontextmanager
async def listening(
    stage: Stage, key: str, *, legacy: bool
) -> AsyncIterator[aiohttp.ClientResponse]:
    """Listen to the server's messages, from the moment that it knows of it."""
    before = stage.server.listeners
    async with _opened(stage, key, legacy=legacy) as stream:

        async def heard() -> bool:
            return stage.server.listeners > before

        await until(heard)
        if not legacy:
            assert b"acknowledged" in await stream.content.readuntil(b"\n\n")
        yield stream


async def hung_up(stage: Stage, stream: aiohttp.ClientResponse, before: int) -> None:
    """Wait until nothing more is heard, and the server has `before` listeners again."""
    with contextlib.suppress(aiohttp.ClientError):
        assert await asyncio.wait_for(stream.content.read(), 60) == b""

    async def closed() -> bool:
        return stage.server.listeners == before

    await until(closed)


@contextlib.asynccontextmanager
async def _opened(stage: Stage, key: str, *, legacy: bool) -> AsyncIterator[aiohttp.ClientResponse]:
    url, headers = f"{stage.url}/mcp/files", {"Authorization": f"Bearer {key}"}
    if legacy:
        headers |= {"MCP-Protocol-Version": "2025-11-25", "Accept": "text/event-stream"}
        opened = stage.http.get(url, headers=headers)
    else:
        params = {"notifications": {"toolsListChanged": True}, "_meta": META}
        message = {"jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen", "params": params}
        headers |= modern_headers("subscriptions/listen")
        headers |= {
            "Accept": "application/json, text/event-stream",
            "Content-Type": "application/json",
        }
        opened = stage.http.post(url, data=json.dumps(message).encode(), headers=headers)
    async with opened as stream:
        assert stream.status == 200
        yield stream
