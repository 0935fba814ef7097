"""A small workspace on loopback, and a real Bolt app that listens to it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient
from small_workspace import BOT_TOKEN, connected, spec

from bot.workspace.server import LocalWorkspace


@pytest.fixture
async def local() -> AsyncIterator[LocalWorkspace]:
    workspace = LocalWorkspace(spec(), ack_seconds=60)
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
async def connect(local):
    """Return a function that connects a Bolt app in Socket Mode."""
    async with AsyncExitStack() as handlers:

        async def connecting(app: AsyncApp) -> None:
            await handlers.enter_async_context(connected(local, app))

        yield connecting
