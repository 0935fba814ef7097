"""An office with a bot that listens, and one browser for all tests that look at its page."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from office import Office, open_office
from playwright.async_api import async_playwright, expect


@pytest.fixture
async def closed_office(sqlite_url: str) -> AsyncIterator[Office]:
    """Give an office whose bot does not run yet."""
    async with open_office(sqlite_url) as office:
        yield office


@pytest.fixture
async def office(closed_office: Office) -> Office:
    """Give an office whose bot listens over Socket Mode."""
    await closed_office.listening()
    return closed_office


@pytest.fixture
async def http_office(sqlite_url: str, free_port: int) -> AsyncIterator[Office]:
    """Give an office whose bot listens over HTTP."""
    async with open_office(sqlite_url, http_port=free_port) as office:
        await office.listening()
        yield office


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium):
    expect.set_options(timeout=60_000)  # a busy machine draws late
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        yield launched
        await launched.close()
