"""A workspace and an app for each test of the page."""

from contextlib import AsyncExitStack

import pytest_asyncio
from small_workspace import connected, spec
from watched_page import opened

from bot.workspace.server import LocalWorkspace


@pytest_asyncio.fixture(loop_scope="session")
async def local():
    workspace = LocalWorkspace(spec(), ack_seconds=60)
    await workspace.start()
    yield workspace
    await workspace.close()


@pytest_asyncio.fixture(loop_scope="session")
async def connect(local):
    """Return a function that connects a Bolt app in Socket Mode."""
    async with AsyncExitStack() as handlers:

        async def connecting(app):
            await handlers.enter_async_context(connected(local, app))

        yield connecting


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser, local):
    """Show the page and fail on any script error or breach of its content policy."""
    troubles = []
    async with opened(browser, local, troubles) as shown:
        yield shown
    assert troubles == []
