"""Draws docs/card.png: the demo's first card, as a newcomer's browser shows it."""

import asyncio
import shutil
import tempfile
from pathlib import Path

from playwright.async_api import async_playwright
from scenarios.demo import ROOT, running_demo

CARD = ROOT / "docs" / "card.png"


async def main() -> None:
    """Run the demo, open its page as bob, and keep what the card looks like."""
    with tempfile.TemporaryDirectory() as folder:
        async with running_demo(Path(folder)) as demo, async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"]
            )
            page = await browser.new_page(
                viewport={"width": 1120, "height": 1120}, device_scale_factor=1.5
            )
            await page.goto(demo.told("page"))
            await page.get_by_role("button", name="Approve once").nth(1).wait_for()
            await page.screenshot(path=CARD)
            await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
