"""Draws the pictures of docs/: a newcomer's first card, and the states that people see.

Run it by `make screenshot`.
"""

import asyncio
import shutil
import tempfile
from pathlib import Path

from browsing import DRAWN, Visit, directory
from office import open_office
from playwright.async_api import Browser, async_playwright
from scenarios.demo import ROOT, running_demo
from watched_page import opened

DOCS = ROOT / "docs"
STATES = DOCS / "states"


async def first_card(browser: Browser, folder: Path) -> None:
    """Run the demo, open its page as bob, and keep what the first card looks like."""
    async with running_demo(folder) as demo:
        page = await browser.new_page(
            viewport={"width": 1120, "height": 1120}, device_scale_factor=1.5
        )
        await page.goto(demo.told("page"))
        await page.get_by_role("button", name="Approve once").nth(1).wait_for()
        await page.screenshot(path=DOCS / "card.png")


async def state(browser: Browser, folder: Path, name: str) -> None:
    """Act one flow in an office of its own, and keep what is seen at its end."""
    troubles: list[str] = []
    size = {"width": 1180, "height": 760}
    async with open_office(f"sqlite:///{folder}/{name}.db", directory=directory()) as office:
        await office.listening()
        async with opened(browser, office.local, troubles, viewport=size) as page:
            await DRAWN[name](Visit(page, office))
            await page.mouse.move(0, 0)
            await page.screenshot(path=STATES / f"{name}.png")
    if troubles:
        raise RuntimeError(f"{name}: {troubles}")


async def main() -> None:
    """Draw every picture."""
    STATES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"]
            )
            await first_card(browser, Path(folder))
            for name in DRAWN:
                await state(browser, Path(folder), name)
            await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
