"""Drives the official Python client before 2.0."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from lines import Notice, drive, dumped
from mcp import ClientSession, types
from mcp.client.streamable_http import streamablehttp_client


class Official:
    """A connection of the official client."""

    def __init__(self, session: ClientSession, begun: types.InitializeResult) -> None:
        """Take the session, with what the server said at its beginning."""
        self._session = session
        self._begun = begun

    async def about(self) -> dict[str, Any]:
        return {
            "version": str(self._begun.protocolVersion),
            "name": self._begun.serverInfo.name,
            "instructions": self._begun.instructions,
        }

    async def tools(self) -> list[str]:
        return [tool.name for tool in (await self._session.list_tools()).tools]

    async def call(self, tool: str, arguments: dict[str, Any], notice: Notice) -> Any:
        """Call; this client says that it gives a call up only where it is told to."""
        number = self._session._request_id
        try:
            return dumped(await self._session.call_tool(tool, arguments, progress_callback=notice))
        except asyncio.CancelledError:
            params = types.CancelledNotificationParams(requestId=number, reason="given up")
            notification = types.CancelledNotification(params=params)
            await self._session.send_notification(types.ClientNotification(notification))
            raise


@asynccontextmanager
async def connect(url: str, key: str) -> AsyncIterator[Official]:
    headers = {"Authorization": f"Bearer {key}"}
    async with (
        streamablehttp_client(url, headers=headers) as (read, write, _),
        ClientSession(read, write) as session,
    ):
        yield Official(session, await session.initialize())


drive(connect)
