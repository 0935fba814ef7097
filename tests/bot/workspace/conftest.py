"""A small workspace on loopback, and a real Bolt app that listens to it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient
from small_workspace import APP_TOKEN, BOT_TOKEN, spec

from bot.workspace.server import LocalWorkspace


@pytest.fixture
async def local() -> AsyncIterator[LocalWorkspace]:
    workspace = LocalWorkspace(spec(), ack_seconds=0.5)
    await workspace.start()
    yield workspace
    await workspace.close()


@pytest.fixture
def client(local: LocalWorkspace) -> AsyncWebClient:
    return AsyncWebClient(token=BOT_TOKEN, base_url=local.api_url)


@pytest.fixture
def app(client: AsyncWebClient) -> AsyncApp:
    return AsyncApp(client=client)


@pytest.fixture
async def connect(local: LocalWorkspace) -> AsyncIterator[Any]:
    """Return a function that connects a Bolt app in Socket Mode."""
    async with AsyncExitStack() as open_handlers:

        async def connected(app: AsyncApp) -> AsyncSocketModeHandler:
            handler = AsyncSocketModeHandler(app, APP_TOKEN)
            handler.client.web_client = AsyncWebClient(base_url=local.api_url)
            before = local.sockets.connected
            await handler.connect_async()
            open_handlers.push_async_callback(handler.close_async)
            await local.wait_until_connected(before + 1)
            return handler

        yield connected
