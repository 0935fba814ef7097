"""Opens the local workspace's page and notes what goes wrong in it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Browser, Page

from bot.workspace.server import LocalWorkspace


@asynccontextmanager
async def opened(
    browser: Browser, local: LocalWorkspace, troubles: list[str], **options: Any
) -> AsyncIterator[Page]:
    """Show the page; script errors and breaches of its content policy go into `troubles`."""
    context = await browser.new_context(**{"viewport": {"width": 1280, "height": 800}} | options)
    page = await context.new_page()
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on(
        "console",
        lambda said: troubles.append(said.text) if "Content Security Policy" in said.text else None,
    )
    page.set_default_timeout(60_000)
    await page.goto(local.page_url)
    await page.wait_for_selector("[data-channel-id]", state="attached")
    yield page
    await context.close()
