"""People do in a real browser what the bot is for, and see what came of it."""

import pytest
import pytest_asyncio
from browsing import ALL, Visit, directory
from office import open_office
from watched_page import opened

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(loop_scope="session")
async def visit(browser, sqlite_url):
    """Show the page of an office, and fail on any script error in it."""
    troubles = []
    async with open_office(sqlite_url, directory=directory()) as office:
        await office.listening()
        async with opened(browser, office.local, troubles) as page:
            yield Visit(page, office)
    assert troubles == []


@pytest.mark.parametrize("name", ALL)
async def test_people_get_to_the_end_of(name, visit) -> None:
    await ALL[name](visit)

    assert "(empty)" not in await visit.page.locator("body").inner_text()
