"""An office with a bot that listens, for the tests of the bot."""

from collections.abc import AsyncIterator

import pytest
from office import Office, open_office


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
