"""From no policy to a gated call in ten minutes, by the steps of the document for it."""

import asyncio
import json

import pytest
from playwright.async_api import async_playwright, expect
from scenarios.demo import RunningDemo
from scenarios.documents import ROOT, blocks, commands
from scenarios.test_documents import run

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

DOCUMENT = ROOT / "docs" / "from-no-policy.md"
NPX = ROOT / "tests" / "node" / "bin"
STEPS = commands(DOCUMENT)
SERVE = next(place for place, command in enumerate(STEPS) if command.startswith("placet serve"))


@pytest.fixture
async def folder(tmp_path, node):
    """Give a folder with the client's file of the document, and where its programs are."""
    for block in blocks(DOCUMENT):
        if block.title is not None:
            (tmp_path / block.title).write_text(block.text)
    return tmp_path, (NPX, node.parent)


async def served(folder, beside):
    """Start what the document starts, at free ports; return its process and what it says."""
    config = folder / "guarded" / "placet.yaml"
    text = config.read_text().replace("127.0.0.1:8787", "127.0.0.1:0")
    config.write_text(text.replace("127.0.0.1:8789", "127.0.0.1:0"))
    environment = {"PATH": ":".join(map(str, (*beside, "/usr/bin", "/bin"))), "HOME": str(folder)}
    process = await asyncio.create_subprocess_exec(
        *(ROOT / ".venv" / "bin" / "placet", *STEPS[SERVE].split()[1:]),
        cwd=folder,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
    )
    return RunningDemo(process)


async def approve(page):
    """Press what the document says, as Bob."""
    card = page.locator(".message").filter(has_text="files / create_directory")
    await page.locator("label.person", has_text="Bob").click()
    await card.get_by_role("button", name="Approve once").click()
    await expect(card.get_by_role("button", name="Approve once")).to_be_hidden()


async def test_the_steps_lead_to_a_gated_call_that_is_approved(folder, chromium):
    folder, beside = folder
    code, said = await run("set -e\n" + "\n".join(STEPS[:SERVE]), folder, beside=beside)
    assert code == 0, said
    assert "7 tests: 7 as expected, 0 not" in said

    service = await served(folder, beside)
    reading = asyncio.create_task(service.read())
    try:
        await service.says("ready", 120)
        address = service.told("agents").partition("/mcp/")[0]
        call = STEPS[SERVE + 1].replace("http://127.0.0.1:8787", address)

        _, waiting = await run(call, folder, beside=beside)
        assert json.loads(waiting)["result"]["isError"] is True
        assert not (folder / "data" / "reports").exists()

        expect.set_options(timeout=60_000)  # a busy machine draws late
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
            )
            page = await browser.new_page(viewport={"width": 1280, "height": 1200})
            page.set_default_timeout(60_000)
            await page.goto(service.told("workspace"))
            await approve(page)
            await browser.close()

        _, done = await run(call, folder, beside=beside)
        assert "isError" not in json.loads(done)["result"]
        assert (folder / "data" / "reports").is_dir()

        code, said = await run("\n".join(STEPS[SERVE + 2 :]), folder, beside=beside)
        assert code == 0, said
        assert "nothing has changed since the earlier scan" in said
    finally:
        await service.stop()
        await reading
